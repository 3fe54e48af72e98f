// Names and sizes of the block formats.
#include <array>

#include "libfp4/format/block_element.h"
#include "libfp4/format/block_format.h"

namespace fp4 {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, block_format_count> format_names = {
    "mxfp4", "nvfp4", "mxfp8-e4m3", "mxfp8-e5m2", "mxfp6-e2m3", "mxfp6-e3m2", "mxint8"};
constexpr std::array<std::string_view, scale_rule_count> rule_names = {
    "floor", "ceil", "even", "uos", "prescale34", "mse", "amax", "four-over-six", "tensor"};

template <class Enum, size_t n>
std::optional<Enum> find_name(const std::array<std::string_view, n>& names, std::string_view name) {
    for (size_t i = 0; i < n; ++i)
        if (names[i] == name) return static_cast<Enum>(i);
    return std::nullopt;
}

} // namespace

std::string_view block_format_name(BlockFormat format) {
    return format_names[static_cast<size_t>(format)];
}
std::optional<BlockFormat> parse_block_format(std::string_view name) {
    return find_name<BlockFormat>(format_names, name);
}
std::string_view scale_rule_name(ScaleRule rule) {
    return rule_names[static_cast<size_t>(rule)];
}
std::optional<ScaleRule> parse_scale_rule(std::string_view name) {
    return find_name<ScaleRule>(rule_names, name);
}

bool scale_rule_applies(BlockFormat format, ScaleRule rule) {
    switch (rule) {
        case ScaleRule::floor:
        case ScaleRule::ceil:
        case ScaleRule::even:
            return format != BlockFormat::nvfp4;
        case ScaleRule::uos:
        case ScaleRule::prescale34:
            return format == BlockFormat::mxfp4;
        case ScaleRule::mse:
            return true;
        case ScaleRule::amax:
        case ScaleRule::four_over_six:
            return format == BlockFormat::nvfp4;
        case ScaleRule::tensor:
            return format == BlockFormat::mxfp8_e4m3;
    }
    return false;
}

size_t block_size(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 16 : 32;
}
int element_bits(BlockFormat format) {
    return block_element(format).bits;
}
double bits_per_weight(BlockFormat format) {
    return element_bits(format) + 8.0 / static_cast<double>(block_size(format));
}

size_t row_scales(BlockFormat format, size_t k) {
    return row_blocks(k, block_size(format));
}
size_t row_code_bytes(BlockFormat format, size_t k) {
    return row_scales(format, k) * (block_size(format) * static_cast<size_t>(element_bits(format)) / 8);
}

} // namespace fp4
