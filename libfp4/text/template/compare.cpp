#include "libfp4/text/template/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

bool equal_numbers(const Value& a, const Value& b) {
    if (a.is_integral() && b.is_integral()) return a.as_int() == b.as_int();
    return a.as_real() == b.as_real();
}

bool identical(const Value& a, const Value& b) {
    return a.kind() == b.kind() && a.identity() == b.identity();
}

// list == list and tuple == tuple only, never across
bool comparable_sequences(const Value& a, const Value& b) {
    return a.kind() == b.kind() && (a.is(Kind::list) || a.is(Kind::tuple) || a.is(Kind::range));
}

Result<bool> equal_dicts(Heap& heap, const DictObject& a, const DictObject& b, size_t depth) {
    if (a.entries.size() != b.entries.size()) return false;
    for (const auto& [key, value] : a.entries) {
        FP4_TRY(heap.spend(1 + (key.is_string() ? 0 : b.entries.size())));
        const Value* other = b.find(key);
        if (!other) return false;
        FP4_ASSIGN(bool same, equal(heap, value, *other, depth + 1));
        if (!same) return false;
    }
    return true;
}

Error too_deep(const Heap& heap) {
    return heap.fail_as(Status::limit, "a value is nested more than ", heap.limits().max_depth,
                        " levels deep");
}

} // namespace

bool same_key(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) return equal_numbers(a, b);
    if (a.kind() != b.kind()) return false;
    if (a.is_string()) return a.as_text() == b.as_text();
    if (a.is(Kind::tuple)) {
        return std::ranges::equal(a.as_sequence().items, b.as_sequence().items, same_key);
    }
    return a.is(Kind::none) || a.is_undefined() || a.identity() == b.identity();
}

Result<bool> equal(Heap& heap, const Value& a, const Value& b, size_t depth) {
    if (depth > heap.limits().max_depth) return too_deep(heap);
    FP4_TRY(heap.spend(1));
    if (a.is_number() && b.is_number()) return equal_numbers(a, b);
    if (a.is_string() && b.is_string()) {
        if (a.as_text().size() != b.as_text().size()) return false;
        FP4_TRY(heap.spend_bytes(a.as_text().size()));
        return a.as_text() == b.as_text();
    }
    if (comparable_sequences(a, b)) {
        const auto& left = a.as_sequence().items;
        const auto& right = b.as_sequence().items;
        if (left.size() != right.size()) return false;
        for (size_t i = 0; i < left.size(); ++i) {
            FP4_ASSIGN(bool same, equal(heap, left[i], right[i], depth + 1));
            if (!same) return false;
        }
        return true;
    }
    if (a.is(Kind::dict) && b.is(Kind::dict)) return equal_dicts(heap, a.as_dict(), b.as_dict(), depth);
    if (a.kind() != b.kind()) return false;
    return a.is(Kind::none) || a.is_undefined() || identical(a, b);
}

Result<bool> less(Heap& heap, const Value& a, const Value& b, size_t depth) {
    if (depth > heap.limits().max_depth) return too_deep(heap);
    FP4_TRY(heap.spend(1));
    if (a.is_undefined()) return heap.undefined_error(a);
    if (b.is_undefined()) return heap.undefined_error(b);
    if (a.is_integral() && b.is_integral()) return a.as_int() < b.as_int();
    if (a.is_number() && b.is_number()) return a.as_real() < b.as_real();
    if (a.is_string() && b.is_string()) {
        // The order of UTF-8 bytes is the order of code points.
        FP4_TRY(heap.spend_bytes(std::min(a.as_text().size(), b.as_text().size())));
        return a.as_text() < b.as_text();
    }
    if (comparable_sequences(a, b) && !a.is(Kind::range)) {
        const auto& left = a.as_sequence().items;
        const auto& right = b.as_sequence().items;
        for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
            FP4_ASSIGN(bool same, equal(heap, left[i], right[i], depth + 1));
            if (!same) return less(heap, left[i], right[i], depth + 1);
        }
        return left.size() < right.size();
    }
    return heap.fail("'", type_name(a), "' and '", type_name(b), "' cannot be ordered");
}

Result<bool> contains(Heap& heap, const Value& container, const Value& item) {
    if (container.is_string()) {
        if (item.is_undefined()) return heap.undefined_error(item);
        if (!item.is_string()) {
            return heap.fail("'in <string>' requires string as left operand, not ", type_name(item));
        }
        FP4_ASSIGN(size_t at, find(heap, container.as_text(), item.as_text()));
        return at != std::string_view::npos;
    }
    if (container.is(Kind::dict)) {
        if (!hashable(item)) return heap.fail("unhashable type: '", type_name(item), "'");
        FP4_TRY(heap.spend(item.is_string() ? 1 : 1 + container.as_dict().entries.size()));
        return container.as_dict().find(item) != nullptr;
    }
    FP4_ASSIGN(std::span<const Value> items, iterate(heap, container));
    for (const Value& candidate : items) {
        FP4_ASSIGN(bool same, equal(heap, candidate, item));
        if (same) return true;
    }
    return false;
}

Result<std::vector<size_t>> sorted_order(Heap& heap, const std::vector<Value>& keys, bool reverse) {
    std::vector<size_t> order(keys.size());
    std::iota(order.begin(), order.end(), size_t{0});
    // Python orders a reversed sort stably too: it compares in reverse, it does not reverse the result.
    Result<void> failure;
    std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) {
        if (!failure.ok()) return false;
        auto before = reverse ? less(heap, keys[j], keys[i]) : less(heap, keys[i], keys[j]);
        if (!before.ok()) {
            failure = Result<void>(before.error());
            return false;
        }
        return before.value();
    });
    FP4_TRY(std::move(failure));
    return order;
}

} // namespace fp4::chat
