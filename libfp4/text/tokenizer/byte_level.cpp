#include "libfp4/text/tokenizer/byte_level.h"

#include <array>
#include <cstdint>

#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

// Bytes that are printable in Latin-1 spell themselves; the others are U+0100 and up, in byte order.
constexpr bool spells_itself(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr int alphabet_end = 0x100 + 68; // 68 bytes do not spell themselves

constexpr std::array<int16_t, alphabet_end> make_byte_of() {
    std::array<int16_t, alphabet_end> byte_of{};
    for (auto& byte : byte_of) byte = -1;
    int next = 0x100;
    for (int byte = 0; byte < 0x100; ++byte) {
        byte_of[static_cast<size_t>(spells_itself(byte) ? byte : next++)] = static_cast<int16_t>(byte);
    }
    return byte_of;
}

constexpr auto byte_of = make_byte_of();

} // namespace

std::optional<std::string> bytes_from_byte_level(std::string_view spelled) {
    std::string bytes;
    bytes.reserve(spelled.size());
    for (size_t position = 0; position < spelled.size();) {
        Utf8Char c = decode_utf8(spelled, position);
        position += c.length;
        if (!c.valid || c.code_point >= byte_of.size() || byte_of[c.code_point] < 0) return std::nullopt;
        bytes += static_cast<char>(byte_of[c.code_point]);
    }
    return bytes;
}

} // namespace fp4::tokenization
