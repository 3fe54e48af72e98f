#pragma once

#include <fp4.h>

#include <optional>
#include <string>
#include <vector>

#include "options.h"
#include "recipe_rows.h"

namespace fp4::program {

/// A recipe in one format: what is quantized once and evaluated on every path.
struct RecipeVariant {
    std::string name;     // of the preset or the document
    std::string document; // what the library takes
    std::string format;   // empty: the recipe's
};

/// Quantizes and evaluates variants. Quantized files and the model's own distributions stay in a folder under
/// names made from everything they depend on, and are not made again.
class RecipeMeasurement {
  public:
    /// text: the content of options.text.
    RecipeMeasurement(const ReportOptions& options, const std::string& text);

    /// Of the model, the text and the windows.
    const std::string& measurement() const { return measurement_; }
    /// Of a row.
    std::string key(const RecipeVariant& variant, const std::string& path) const;

    /// The folder and the model's own distributions. FP4_DONE, or why not.
    fp4_status prepare();
    /// FP4_DONE with the row, or why there is none.
    fp4_status measure(const RecipeVariant& variant, const std::string& path, RecipeRow& row);
    /// Of the last of these calls that failed.
    const std::string& failure() const { return failure_; }

  private:
    std::string quantized_key(const RecipeVariant& variant) const;
    std::string file(const std::string& key, const char* ending) const;
    fp4_status take_result(fp4_status started, fp4_job* job, JsonObject& result);
    fp4_status quantize(const RecipeVariant& variant, const std::string& target, JsonObject& summary);
    fp4_status evaluate(const std::string& model, const std::string& path, bool is_base, JsonObject& result);

    const ReportOptions& options_;
    const std::string& text_;
    std::string folder_;
    std::string measurement_;
    std::string sources_; // hash of model and calibration
    std::string failure_;
};

/// Stored bits of the layers' linears, with block scales and transforms, by weight; 0 if the file cannot be
/// read.
double linear_bits_per_weight(const std::string& path);

} // namespace fp4::program
