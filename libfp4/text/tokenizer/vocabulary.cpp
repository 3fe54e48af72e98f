#include "libfp4/text/tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fp4::tokenization {

void Vocabulary::reserve(size_t tokens, size_t bytes) {
    spans_.reserve(tokens);
    bytes_.reserve(bytes);
    grow_index(tokens);
}

Result<void> Vocabulary::add(int64_t id, std::string_view text, bool searchable) {
    if (id < 0 || id > max_token_id) {
        return error(Status::limit, "token id ", id, " is outside 0..", max_token_id);
    }
    if (text.size() > max_token_bytes || bytes_.size() + text.size() >= hole) {
        return error(Status::limit, "token ", id, " has ", text.size(), " bytes; the limit is ", max_token_bytes);
    }
    if (contains(id)) return error(Status::format, "token id ", id, " is given twice");
    if (static_cast<size_t>(id) >= spans_.size()) spans_.resize(static_cast<size_t>(id) + 1);
    spans_[static_cast<size_t>(id)] = {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size())};
    bytes_ += text;
    if (searchable && !text.empty()) {
        if ((indexed_ + 1) * 2 > slots_.size()) grow_index(std::max<size_t>(64, indexed_ * 2));
        index(static_cast<int32_t>(id));
    }
    return {};
}

bool Vocabulary::contains(int64_t id) const {
    return id >= 0 && static_cast<uint64_t>(id) < spans_.size() && spans_[static_cast<size_t>(id)].length != hole;
}

std::string_view Vocabulary::text(int32_t id) const {
    if (!contains(id)) return {};
    Span span = spans_[static_cast<size_t>(id)];
    return std::string_view(bytes_).substr(span.begin, span.length);
}

std::optional<int32_t> Vocabulary::find(std::string_view wanted) const {
    if (slots_.empty()) return std::nullopt;
    size_t mask = slots_.size() - 1;
    for (size_t slot = XXH3_64bits(wanted.data(), wanted.size()) & mask; slots_[slot] >= 0; slot = (slot + 1) & mask) {
        if (text(slots_[slot]) == wanted) return slots_[slot];
    }
    return std::nullopt;
}

void Vocabulary::grow_index(size_t entries) {
    size_t capacity = std::bit_ceil(entries * 2 + 2);
    if (capacity <= slots_.size()) return;
    auto old = std::move(slots_);
    slots_.assign(capacity, -1);
    indexed_ = 0;
    for (int32_t id : old) {
        if (id >= 0) index(id);
    }
}

void Vocabulary::index(int32_t id) {
    auto added = text(id);
    size_t mask = slots_.size() - 1;
    size_t slot = XXH3_64bits(added.data(), added.size()) & mask;
    while (slots_[slot] >= 0 && text(slots_[slot]) != added) slot = (slot + 1) & mask;
    if (slots_[slot] < 0) ++indexed_;
    slots_[slot] = id;
}

} // namespace fp4::tokenization
