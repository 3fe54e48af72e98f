#include "libfp4/text/template/print.h"

#include <utf8proc.h>

#include <charconv>
#include <cmath>

#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

std::string format_real(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    char digits[32];
    auto scientific = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
    std::string_view text(digits, static_cast<size_t>(scientific.ptr - digits));
    int exponent = 0;
    size_t e = text.find('e');
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    // Python writes an exponent below 1e-4 and from 1e16 on (float_repr_style 'short').
    if (exponent < -4 || exponent >= 16) return std::string(text);
    char fixed[40];
    auto end = std::to_chars(fixed, fixed + sizeof fixed, value, std::chars_format::fixed).ptr;
    std::string out(fixed, end);
    if (out.find('.') == std::string::npos) out += ".0";
    return out;
}

namespace {

class Printer {
  public:
    Printer(Heap& heap, std::string& out) : heap_(heap), out_(out) {}

    Result<void> print(const Value& value, size_t depth) {
        if (depth > heap_.limits().max_depth) {
            return heap_.fail_as(Status::limit, "a value to print is nested more than ",
                                 heap_.limits().max_depth, " levels deep");
        }
        FP4_TRY(heap_.spend(1));
        size_t room = heap_.limits().max_output_bytes;
        if (out_.size() + (value.is_string() ? value.as_text().size() : 0) > room) {
            return heap_.fail_as(Status::limit, "a printed value exceeds ", room, " bytes");
        }
        switch (value.kind()) {
            case Kind::undefined:
                out_ += "Undefined";
                break;
            case Kind::none:
                out_ += "None";
                break;
            case Kind::boolean:
                out_ += value.as_bool() ? "True" : "False";
                break;
            case Kind::integer:
                out_ += std::to_string(value.as_int());
                break;
            case Kind::real:
                out_ += format_real(value.as_real());
                break;
            case Kind::string:
                return print_text(value);
            case Kind::list:
                return print_items(value.as_sequence().items, "[", "]", depth);
            case Kind::tuple:
                return print_items(value.as_sequence().items, "(", ")", depth);
            case Kind::range:
                print_range(value.as_sequence());
                break;
            case Kind::view: {
                out_ += value.as_sequence().view_name;
                FP4_TRY(print_items(value.as_sequence().items, "([", "])", depth));
                break;
            }
            case Kind::dict:
                return print_dict(value.as_dict(), depth);
            case Kind::name_space: {
                out_ += "<Namespace ";
                FP4_TRY(print_dict(value.as_dict(), depth));
                out_ += '>';
                break;
            }
            case Kind::generator:
                out_ += "<generator object>";
                break;
            case Kind::loop: {
                const LoopObject& loop = value.as_loop();
                out_ += concat("<LoopContext ", loop.index + 1, "/", loop.items.size(), ">");
                break;
            }
            case Kind::function:
                out_ += concat("<function ", value.as_function().name, ">");
                break;
        }
        return {};
    }

  private:
    Result<void> print_text(const Value& value) {
        std::string_view text = value.as_text();
        FP4_TRY(heap_.spend(text.size() / 16));
        if (value.is_markup()) out_ += "Markup(";
        char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
        out_ += quote;
        for (size_t at = 0; at < text.size();) {
            std::string_view bytes = code_point_at(text, at);
            print_character(bytes, decode(bytes), quote);
            at += bytes.size();
        }
        out_ += quote;
        if (value.is_markup()) out_ += ')';
        return {};
    }

    void print_character(std::string_view bytes, char32_t c, char quote) {
        if (c == '\n') {
            out_ += "\\n";
        } else if (c == '\r') {
            out_ += "\\r";
        } else if (c == '\t') {
            out_ += "\\t";
        } else if (c == '\\' || c == static_cast<unsigned char>(quote)) {
            out_ += '\\';
            out_ += bytes;
        } else if (printable(c)) {
            out_ += bytes;
        } else {
            auto code = static_cast<uint32_t>(c);
            out_ += code < 0x100 ? 'x' : code < 0x10000 ? 'u' : 'U';
            out_.insert(out_.size() - 1, 1, '\\');
            for (int shift = code < 0x100 ? 4 : code < 0x10000 ? 12 : 28; shift >= 0; shift -= 4) {
                out_ += "0123456789abcdef"[code >> shift & 15];
            }
        }
    }

    // str.isprintable(): no "Other" or "Separator" category, except the space
    static bool printable(char32_t c) {
        if (c < 0x80) return c >= 0x20 && c < 0x7F;
        switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
            case UTF8PROC_CATEGORY_CC:
            case UTF8PROC_CATEGORY_CF:
            case UTF8PROC_CATEGORY_CS:
            case UTF8PROC_CATEGORY_CO:
            case UTF8PROC_CATEGORY_CN:
            case UTF8PROC_CATEGORY_ZL:
            case UTF8PROC_CATEGORY_ZP:
            case UTF8PROC_CATEGORY_ZS:
                return false;
            default:
                return true;
        }
    }

    Result<void> print_items(const std::vector<Value>& items, const char* open, const char* close,
                             size_t depth) {
        out_ += open;
        for (size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out_ += ", ";
            FP4_TRY(print(items[i], depth + 1));
        }
        if (items.size() == 1 && *open == '(' && open[1] == '\0') out_ += ',';
        out_ += close;
        return {};
    }

    Result<void> print_dict(const DictObject& dict, size_t depth) {
        out_ += '{';
        bool first = true;
        for (const auto& [key, value] : dict.entries) {
            if (!first) out_ += ", ";
            first = false;
            FP4_TRY(print(key, depth + 1));
            out_ += ": ";
            FP4_TRY(print(value, depth + 1));
        }
        out_ += '}';
        return {};
    }

    void print_range(const SequenceObject& range) {
        out_ += concat("range(", range.start, ", ", range.stop);
        if (range.step != 1) out_ += concat(", ", range.step);
        out_ += ')';
    }

    Heap& heap_;
    std::string& out_;
};

} // namespace

Result<std::string> repr(Heap& heap, const Value& value) {
    std::string out;
    FP4_TRY(Printer(heap, out).print(value, 0));
    return out;
}

Result<Value> to_text(Heap& heap, const Value& value) {
    if (value.is_string()) return Value::string(value.as_text());
    if (value.is_undefined()) return Value::string({});
    FP4_ASSIGN(std::string out, repr(heap, value));
    return heap.text(out);
}

} // namespace fp4::chat
