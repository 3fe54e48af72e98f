#include "libfp4/text/template/heap.h"

#include <algorithm>
#include <cstring>

namespace fp4::chat {

namespace {
constexpr size_t first_chunk_bytes = 16 * 1024;
}

Error Heap::undefined_error(const Value& value) const {
    return fail(value.why_undefined() ? std::string_view(value.why_undefined()->message)
                                      : "a value is undefined");
}

Result<void> Heap::spend(size_t steps) {
    if (steps > limits_.max_steps - steps_) {
        steps_ = limits_.max_steps;
        return fail_as(Status::limit, "the template needs more than ", limits_.max_steps, " steps");
    }
    steps_ += steps;
    return {};
}

Result<void> Heap::charge(size_t bytes) {
    if (bytes > limits_.max_memory_bytes - bytes_) {
        return fail_as(Status::limit, "the template needs more than ", limits_.max_memory_bytes,
                       " bytes of memory");
    }
    bytes_ += bytes;
    return {};
}

Result<char*> Heap::reserve_text(size_t size) {
    if (size > text_room_) {
        // Doubling keeps the number of chunks, and the copies of joined(), small.
        size_t chunk =
            std::max(size, std::min<size_t>(first_chunk_bytes << std::min<size_t>(chunks_.size(), 8),
                                            limits_.max_memory_bytes - bytes_));
        FP4_TRY(charge(chunk));
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk));
        text_end_ = chunks_.back().get();
        text_room_ = chunk;
    }
    char* start = text_end_;
    text_end_ += size;
    text_room_ -= size;
    return start;
}

Result<Value> Heap::text(std::string_view text, bool markup) {
    if (text.empty()) return Value::string({}, markup);
    FP4_TRY(spend_bytes(text.size()));
    FP4_ASSIGN(char* copy, reserve_text(text.size()));
    std::memcpy(copy, text.data(), text.size());
    return Value::string({copy, text.size()}, markup);
}

Result<Value> Heap::joined(std::string_view left, std::string_view right, bool markup) {
    if (right.empty()) return Value::string(left, markup);
    if (left.empty()) return Value::string(right, markup);
    if (left.data() + left.size() == text_end_ && right.size() <= text_room_) {
        FP4_TRY(spend_bytes(right.size()));
        FP4_ASSIGN(char* tail, reserve_text(right.size()));
        std::memcpy(tail, right.data(), right.size());
        return Value::string({left.data(), left.size() + right.size()}, markup);
    }
    size_t size = left.size() + right.size();
    FP4_TRY(spend_bytes(size));
    if (size > text_room_ && size > first_chunk_bytes) {
        // A text that grows piece by piece gets room to grow in place.
        size_t chunk = size * 2;
        FP4_TRY(charge(chunk));
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk));
        text_end_ = chunks_.back().get();
        text_room_ = chunk;
    }
    FP4_ASSIGN(char* copy, reserve_text(size));
    std::memcpy(copy, left.data(), left.size());
    std::memcpy(copy + left.size(), right.data(), right.size());
    return Value::string({copy, size}, markup);
}

Result<Value> Heap::undefined(std::string message) {
    FP4_TRY(charge(message.size()));
    FP4_ASSIGN(auto* object, make<UndefinedObject>());
    object->message = std::move(message);
    return Value::undefined(object);
}

Result<Value> Heap::sequence(Kind kind, std::vector<Value> items) {
    FP4_TRY(charge(items.size() * sizeof(Value)));
    FP4_TRY(spend(items.size()));
    FP4_ASSIGN(auto* object, make<SequenceObject>());
    object->items = std::move(items);
    return Value::sequence(kind, object);
}

Result<void> Heap::set(DictObject& dict, const Value& key, const Value& value) {
    if (!hashable(key)) return fail("unhashable type: '", type_name(key), "' cannot be a key");
    // A key that is no string is looked for among all entries.
    FP4_TRY(spend(key.is_string() ? 1 + key.as_text().size() / 64 : 1 + dict.entries.size()));
    FP4_TRY(charge(2 * sizeof(Value) + 4 * sizeof(void*)));
    dict.set(key, value);
    return {};
}

} // namespace fp4::chat
