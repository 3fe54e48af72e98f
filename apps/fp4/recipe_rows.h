#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_output.h"

namespace fp4::program {

/// What one quantized model gave on one path; a line of the report.
struct RecipeRow {
    std::string recipe;
    std::string format;
    std::string path;
    double bits_per_weight = 0;      // of the layers' linears, block scales and transforms included
    double file_bits_per_weight = 0; // of all tensors
    double kl_mean = 0;
    double perplexity = 0;
    double base_perplexity = 0;
    double top1_agreement = 0;
    double quantize_seconds = 0;
    uint64_t peak_rss = 0;   // while quantizing, bytes
    std::string key;         // of everything the row depends on
    std::string measurement; // of model, text and windows, which all rows of a report share
};

const RecipeRow* find_row(const std::vector<RecipeRow>& rows, std::string_view key);

/// Replaces the row of the same recipe, format and path, or adds one.
void put_row(std::vector<RecipeRow>& rows, const RecipeRow& row);

std::string rows_to_csv(const std::vector<RecipeRow>& rows);
/// Nothing if the text is not what rows_to_csv() wrote.
std::optional<std::vector<RecipeRow>> rows_from_csv(std::string_view text);

std::string rows_to_markdown(const std::vector<RecipeRow>& rows);
JsonObject row_to_json(const RecipeRow& row);

} // namespace fp4::program
