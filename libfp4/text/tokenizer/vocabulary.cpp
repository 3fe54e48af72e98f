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
        return error(Status::limit, "token ", id, " has ", text.size(), " bytes; the limit is ",
                     max_token_bytes);
    }
    if (contains(id)) return error(Status::format, "token id ", id, " is given twice");
    if (static_cast<size_t>(id) >= spans_.size()) spans_.resize(static_cast<size_t>(id) + 1);
    spans_[static_cast<size_t>(id)] = {static_cast<uint32_t>(bytes_.size()),
                                       static_cast<uint32_t>(text.size())};
    bytes_ += text;
    if (searchable && !text.empty()) {
        if ((indexed_ + 1) * 2 > slots_.size()) grow_index(std::max<size_t>(64, indexed_ * 2));
        index(static_cast<int32_t>(id));
    }
    return {};
}

bool Vocabulary::contains(int64_t id) const {
    return id >= 0 && static_cast<uint64_t>(id) < spans_.size() &&
           spans_[static_cast<size_t>(id)].length != hole;
}

std::string_view Vocabulary::text(int32_t id) const {
    if (!contains(id)) return {};
    Span span = spans_[static_cast<size_t>(id)];
    return std::string_view(bytes_).substr(span.begin, span.length);
}

std::optional<int32_t> Vocabulary::find(std::string_view wanted) const {
    if (slots_.empty()) return std::nullopt;
    const Slot& slot = slots_[find_slot(wanted, XXH3_64bits(wanted.data(), wanted.size()))];
    return slot.id < 0 ? std::nullopt : std::optional(slot.id);
}

size_t Vocabulary::find_slot(std::string_view wanted, uint64_t hash) const {
    size_t mask = slots_.size() - 1;
    auto tag = static_cast<uint32_t>(hash >> 32);
    size_t at = hash & mask;
    while (slots_[at].id >= 0 && (slots_[at].tag != tag || text(slots_[at].id) != wanted))
        at = (at + 1) & mask;
    return at;
}

void Vocabulary::grow_index(size_t entries) {
    size_t capacity = std::bit_ceil(entries * 2 + 2);
    if (capacity <= slots_.size()) return;
    auto old = std::move(slots_);
    slots_.assign(capacity, {});
    indexed_ = 0;
    for (const Slot& slot : old) {
        if (slot.id >= 0) index(slot.id);
    }
}

void Vocabulary::index(int32_t id) {
    uint64_t hash = XXH3_64bits(text(id).data(), text(id).size());
    Slot& slot = slots_[find_slot(text(id), hash)];
    if (slot.id < 0) ++indexed_;
    slot = {id, static_cast<uint32_t>(hash >> 32)};
}

} // namespace fp4::tokenization
