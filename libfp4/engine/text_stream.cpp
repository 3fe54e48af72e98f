#include "libfp4/engine/text_stream.h"

#include <algorithm>
#include <cstdint>

namespace fp4 {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Allowed second bytes depend on the first (Unicode 15, table 3-7).
struct Lead {
    int length; // 0: not a first byte
    uint8_t second_low, second_high;
};

Lead classify(uint8_t byte) {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xC2) return {0, 0, 0};
    if (byte < 0xE0) return {2, 0x80, 0xBF};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3, 0x80, 0xBF};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4, 0x80, 0xBF};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

// Bytes at the start of text that are one code point (complete) or the well-formed beginning of one.
struct Scan {
    size_t length;
    bool valid;
    bool complete;
};

Scan scan(std::string_view text) {
    Lead lead = classify(static_cast<uint8_t>(text[0]));
    if (lead.length == 0) return {1, false, true};
    size_t n = 1;
    for (; n < static_cast<size_t>(lead.length) && n < text.size(); ++n) {
        auto byte = static_cast<uint8_t>(text[n]);
        uint8_t low = n == 1 ? lead.second_low : 0x80, high = n == 1 ? lead.second_high : 0xBF;
        if (byte < low || byte > high) return {n, false, true};
    }
    return {n, true, n == static_cast<size_t>(lead.length)};
}

} // namespace

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
    std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

bool StopMatcher::push(std::string_view bytes, std::string& out) {
    held_ += bytes;
    size_t begin = std::string::npos, end = std::string::npos;
    for (const std::string& stop : stops_) {
        size_t at = held_.find(stop);
        if (at == std::string::npos) continue;
        if (at + stop.size() < end || (at + stop.size() == end && at < begin)) {
            begin = at;
            end = at + stop.size();
        }
    }
    if (end != std::string::npos) {
        out.append(held_, 0, begin);
        held_.clear();
        return true;
    }
    size_t keep = 0; // longest end of held_ that begins a stop string
    for (const std::string& stop : stops_) {
        for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
            if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, n))) keep = n;
        }
    }
    out.append(held_, 0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
    return false;
}

void StopMatcher::finish(std::string& out) {
    out += held_;
    held_.clear();
}

void Utf8Stream::push(std::string_view bytes, std::string& out) {
    held_ += bytes;
    std::string_view rest = held_;
    while (!rest.empty()) {
        Scan next = scan(rest);
        if (!next.complete) break;
        out += next.valid ? rest.substr(0, next.length) : replacement;
        rest.remove_prefix(next.length);
    }
    held_.erase(0, held_.size() - rest.size());
}

void Utf8Stream::finish(std::string& out) {
    if (!held_.empty()) out += replacement;
    held_.clear();
}

size_t utf8_prefix(std::string_view text, size_t capacity) {
    if (text.size() <= capacity) return text.size();
    size_t n = capacity;
    while (n > 0 && (static_cast<uint8_t>(text[n]) & 0xC0) == 0x80) --n;
    return n;
}

} // namespace fp4
