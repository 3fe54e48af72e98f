#include "tests/unit/tokenizer/byte_spelling.h"

#include <array>

#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::test {

std::string byte_level_spelling(std::string_view bytes) {
    // bytes_to_unicode of GPT-2's encoder.py: printable bytes are themselves, the others count up from
    // U+0100.
    static const auto alphabet = [] {
        std::array<char32_t, 256> spelled{};
        char32_t next = 0x100;
        for (int byte = 0; byte < 256; ++byte) {
            bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
            spelled[static_cast<size_t>(byte)] = printable ? static_cast<char32_t>(byte) : next++;
        }
        return spelled;
    }();
    std::string out;
    for (char c : bytes) tokenization::append_utf8(out, alphabet[static_cast<unsigned char>(c)]);
    return out;
}

} // namespace fp4::test
