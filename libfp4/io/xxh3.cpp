#include "libfp4/io/xxh3.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>

namespace fp4 {

struct Xxh3::State {
    XXH3_state_t value;
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) {
    XXH3_64bits_reset(&state_->value);
}

Xxh3::~Xxh3() = default;
Xxh3::Xxh3(Xxh3&&) noexcept = default;
Xxh3& Xxh3::operator=(Xxh3&&) noexcept = default;

void Xxh3::update(std::span<const uint8_t> bytes) {
    XXH3_64bits_update(&state_->value, bytes.data(), bytes.size());
}

uint64_t Xxh3::digest() const {
    return XXH3_64bits_digest(&state_->value);
}

uint64_t xxh3(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::string hash_text(uint64_t hash) {
    std::string text(16, '0');
    for (size_t i = 0; i < text.size(); i++) text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    return text;
}

bool parse_hash(std::string_view text, uint64_t& hash) {
    if (text.size() != 16) return false;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
    // One spelling only, so that no damage to the digits goes unseen.
    return failure == std::errc() && end == text.data() + text.size() && text == hash_text(hash);
}

} // namespace fp4
