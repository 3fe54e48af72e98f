// json.dumps with the options that chat templates pass to tojson.
#include <cmath>

#include "libfp4/text/template/compare.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

std::string json_real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return format_real(value);
}

constexpr size_t max_indent = 1024;

class JsonWriter {
  public:
    JsonWriter(Heap& heap, const JsonStyle& style, std::string& out)
        : heap_(heap), style_(style), out_(out) {}

    Result<void> write(const Value& value, size_t depth) {
        if (depth > heap_.limits().max_depth) {
            return heap_.fail_as(Status::limit, "tojson: a value is nested more than ",
                                 heap_.limits().max_depth, " levels deep");
        }
        FP4_TRY(heap_.spend(1));
        size_t room = heap_.limits().max_output_bytes;
        if (out_.size() + (value.is_string() ? value.as_text().size() : 0) > room) {
            return heap_.fail_as(Status::limit, "tojson: the text exceeds ", room, " bytes");
        }
        switch (value.kind()) {
            case Kind::string:
                return write_text(value.as_text());
            case Kind::list:
            case Kind::tuple:
                return write_list(value.as_sequence().items, depth);
            case Kind::dict:
                return write_dict(value.as_dict(), depth);
            case Kind::none:
            case Kind::boolean:
            case Kind::integer:
            case Kind::real:
                out_ += scalar(value);
                return {};
            default:
                return heap_.fail("tojson: an object of type ", type_name(value),
                                  " is not JSON serializable");
        }
    }

  private:
    static std::string scalar(const Value& value) {
        if (value.is(Kind::none)) return "null";
        if (value.is(Kind::boolean)) return value.as_bool() ? "true" : "false";
        if (value.is(Kind::integer)) return std::to_string(value.as_int());
        return json_real(value.as_real());
    }

    Result<void> write_text(std::string_view text) {
        FP4_TRY(heap_.spend(text.size() / 16));
        out_ += '"';
        for (size_t at = 0; at < text.size();) {
            std::string_view bytes = code_point_at(text, at);
            char32_t c = decode(bytes);
            switch (c) {
                case '"':
                    out_ += "\\\"";
                    break;
                case '\\':
                    out_ += "\\\\";
                    break;
                case '\n':
                    out_ += "\\n";
                    break;
                case '\r':
                    out_ += "\\r";
                    break;
                case '\t':
                    out_ += "\\t";
                    break;
                case '\b':
                    out_ += "\\b";
                    break;
                case '\f':
                    out_ += "\\f";
                    break;
                default:
                    if (c < 0x20 || (style_.ensure_ascii && c > 0x7E)) {
                        write_escape(c);
                    } else {
                        out_ += bytes;
                    }
            }
            at += bytes.size();
        }
        out_ += '"';
        return {};
    }

    // \uXXXX, as a pair of surrogates beyond U+FFFF
    void write_escape(char32_t c) {
        if (c > 0xFFFF) {
            write_escape(0xD800 + ((c - 0x10000) >> 10));
            write_escape(0xDC00 + ((c - 0x10000) & 0x3FF));
            return;
        }
        out_ += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[c >> shift & 15];
    }

    Result<void> new_line(size_t depth) {
        if (!style_.pretty) return {};
        if (style_.indent.size() > max_indent)
            return heap_.fail("tojson: the indent is longer than ", max_indent);
        out_ += '\n';
        for (size_t i = 0; i < depth; ++i) out_ += style_.indent;
        return {};
    }

    Result<void> write_list(const std::vector<Value>& items, size_t depth) {
        out_ += '[';
        for (size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out_ += style_.item_separator;
            FP4_TRY(new_line(depth + 1));
            FP4_TRY(write(items[i], depth + 1));
        }
        if (!items.empty()) FP4_TRY(new_line(depth));
        out_ += ']';
        return {};
    }

    Result<void> write_dict(const DictObject& dict, size_t depth) {
        std::vector<Value> keys;
        for (const auto& entry : dict.entries) keys.push_back(entry.first);
        std::vector<size_t> order(keys.size());
        if (style_.sort_keys) {
            FP4_ASSIGN(order, sorted_order(heap_, keys, false));
        } else {
            for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        }
        out_ += '{';
        bool first = true;
        for (size_t i : order) {
            if (!first) out_ += style_.item_separator;
            first = false;
            FP4_TRY(new_line(depth + 1));
            const Value& key = keys[i];
            if (key.is_string()) {
                FP4_TRY(write_text(key.as_text()));
            } else if (key.is_number() || key.is(Kind::none)) {
                out_ += concat("\"", scalar(key), "\"");
            } else {
                return heap_.fail("tojson: keys must be str, int, float, bool or none, not ", type_name(key));
            }
            out_ += style_.key_separator;
            FP4_TRY(write(dict.entries[i].second, depth + 1));
        }
        if (!dict.entries.empty()) FP4_TRY(new_line(depth));
        out_ += '}';
        return {};
    }

    Heap& heap_;
    const JsonStyle& style_;
    std::string& out_;
};

} // namespace

Result<std::string> to_json(Heap& heap, const Value& value, const JsonStyle& style) {
    std::string out;
    FP4_TRY(JsonWriter(heap, style, out).write(value, 0));
    return out;
}

} // namespace fp4::chat
