#include "recipe_rows.h"

#include <cmath>
#include <cstdlib>

#include "human.h"

namespace fp4::program {
namespace {

struct Column {
    const char* name;
    std::string RecipeRow::*text;
    double RecipeRow::*number;
    uint64_t RecipeRow::*count;
};

const Column columns[] = {
    {"recipe", &RecipeRow::recipe, nullptr, nullptr},
    {"format", &RecipeRow::format, nullptr, nullptr},
    {"path", &RecipeRow::path, nullptr, nullptr},
    {"bits_per_weight", nullptr, &RecipeRow::bits_per_weight, nullptr},
    {"file_bits_per_weight", nullptr, &RecipeRow::file_bits_per_weight, nullptr},
    {"kl_mean", nullptr, &RecipeRow::kl_mean, nullptr},
    {"perplexity", nullptr, &RecipeRow::perplexity, nullptr},
    {"base_perplexity", nullptr, &RecipeRow::base_perplexity, nullptr},
    {"top1_agreement", nullptr, &RecipeRow::top1_agreement, nullptr},
    {"quantize_seconds", nullptr, &RecipeRow::quantize_seconds, nullptr},
    {"peak_rss", nullptr, nullptr, &RecipeRow::peak_rss},
    {"key", &RecipeRow::key, nullptr, nullptr},
    {"measurement", &RecipeRow::measurement, nullptr, nullptr},
};
constexpr size_t column_count = std::size(columns);

/// RFC 4180: texts with a comma, a quote or a line end stand in quotes.
std::string csv_text(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}

std::string header_line() {
    std::string line;
    for (const Column& column : columns) line += (line.empty() ? "" : ",") + std::string(column.name);
    return line;
}

/// The next record's fields; moves `text` behind it.
std::vector<std::string> read_record(std::string_view& text) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted) {
            const bool pair = c == '"' && at + 1 < text.size() && text[at + 1] == '"';
            if (c == '"' && !pair) {
                quoted = false;
            } else {
                fields.back() += c;
                at += pair;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            fields.emplace_back();
        } else if (c == '\n') {
            break;
        } else if (c != '\r') {
            fields.back() += c;
        }
    }
    text.remove_prefix(std::min(at + 1, text.size()));
    return fields;
}

bool read_field(const Column& column, const std::string& field, RecipeRow& row) {
    if (column.text) {
        row.*column.text = field;
        return true;
    }
    char* end = nullptr;
    if (column.number) {
        row.*column.number = std::strtod(field.c_str(), &end);
    } else {
        row.*column.count = std::strtoull(field.c_str(), &end, 10);
    }
    return !field.empty() && *end == '\0';
}

std::string markdown_text(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string significant(double value) {
    return std::isfinite(value) ? format_text("%.4g", value) : std::string("-");
}

} // namespace

const RecipeRow* find_row(const std::vector<RecipeRow>& rows, std::string_view key) {
    for (const RecipeRow& row : rows) {
        if (row.key == key) return &row;
    }
    return nullptr;
}

void put_row(std::vector<RecipeRow>& rows, const RecipeRow& row) {
    for (RecipeRow& other : rows) {
        if (other.recipe == row.recipe && other.format == row.format && other.path == row.path) {
            other = row;
            return;
        }
    }
    rows.push_back(row);
}

std::string rows_to_csv(const std::vector<RecipeRow>& rows) {
    std::string text = header_line() + "\n";
    for (const RecipeRow& row : rows) {
        for (size_t i = 0; i < column_count; ++i) {
            const Column& column = columns[i];
            if (i > 0) text += ',';
            if (column.text) text += csv_text(row.*column.text);
            if (column.number) text += format_text("%.9g", row.*column.number);
            if (column.count) text += std::to_string(row.*column.count);
        }
        text += '\n';
    }
    return text;
}

std::optional<std::vector<RecipeRow>> rows_from_csv(std::string_view text) {
    std::vector<RecipeRow> rows;
    const std::string header = header_line();
    bool first = true;
    while (!text.empty()) {
        if (first && (!text.starts_with(header) || text.find_first_of("\r\n") != header.size()))
            return std::nullopt;
        const std::vector<std::string> fields = read_record(text);
        if (first) {
            first = false;
            continue;
        }
        RecipeRow row;
        if (fields.size() != column_count) return std::nullopt;
        for (size_t i = 0; i < column_count; ++i) {
            if (!read_field(columns[i], fields[i], row)) return std::nullopt;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string rows_to_markdown(const std::vector<RecipeRow>& rows) {
    std::string text =
        "| recipe | format | path | bits per weight | of the file | KL | perplexity | top-1 agreement | "
        "quantized "
        "in | peak memory |\n"
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n";
    for (const RecipeRow& row : rows) {
        text += format_text("| %s | %s | %s | %.3f | %.3f | %s | %s | %.2f %% | %s | %s |\n",
                            markdown_text(row.recipe).c_str(), row.format.c_str(), row.path.c_str(),
                            row.bits_per_weight, row.file_bits_per_weight, significant(row.kl_mean).c_str(),
                            significant(row.perplexity).c_str(), 100 * row.top1_agreement,
                            duration_text(row.quantize_seconds).c_str(), bytes_text(row.peak_rss).c_str());
    }
    return text;
}

JsonObject row_to_json(const RecipeRow& row) {
    JsonObject object;
    for (const Column& column : columns) {
        if (column.text == &RecipeRow::key || column.text == &RecipeRow::measurement) continue;
        if (column.text) object.set(column.name, row.*column.text);
        if (column.number) object.set(column.name, row.*column.number);
        if (column.count) object.set(column.name, row.*column.count);
    }
    return object;
}

} // namespace fp4::program
