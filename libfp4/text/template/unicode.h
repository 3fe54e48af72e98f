// Text operations of Python's str on UTF-8. Positions count code points; bytes that are not valid UTF-8 never
// break anything: a code point is a byte that is no continuation byte, with the continuation bytes after it.
#pragma once

#include <cstdint>

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

inline bool starts_code_point(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}
size_t count_code_points(std::string_view text);
// Byte offset of a code point; text.size() if there are fewer.
size_t code_point_offset(std::string_view text, size_t index);
// The bytes of the code point at a byte offset.
std::string_view code_point_at(std::string_view text, size_t offset);
// U+FFFD for what is not valid.
char32_t decode(std::string_view code_point);
void append_utf8(std::string& out, char32_t code_point);

// str.find in linear time, with the work charged; npos if absent. An empty needle is found at `from`.
Result<size_t> find(Heap& heap, std::string_view text, std::string_view needle, size_t from = 0);
// str.rfind
Result<size_t> find_last(Heap& heap, std::string_view text, std::string_view needle);

bool is_space(char32_t code_point);
enum class Side { left, right, both };
std::string_view strip(std::string_view text, Side side);
std::string_view strip(std::string_view text, std::string_view characters, Side side);

enum class Case { upper, lower, swap, capitalize, title };
std::string change_case(std::string_view text, Case to);
// jinja's |title: words begin after space, - ( { [ <
std::string title_words(std::string_view text);
enum class CharacterClass { digit, decimal, numeric, alpha, alphanumeric, space, upper, lower, title, ascii };
bool all_of_class(std::string_view text, CharacterClass wanted);

// The lines of str.splitlines(), without their ends.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

std::string escape_html(std::string_view text);

} // namespace fp4::chat
