#include "libfp4/quant/tensor_rules.h"

namespace fp4 {
namespace {

using Kind = TensorEncoding::Kind;

TensorEncoding plain(DType dtype) {
    return {.kind = Kind::plain, .dtype = dtype};
}

TensorEncoding block(BlockFormat format) {
    return {.kind = Kind::block, .block = format};
}

// What a source's encoding becomes when it is kept: ggml's own block types cannot be written.
TensorEncoding kept(const TensorEncoding& source) {
    return source.kind == Kind::ggml ? plain(DType::f32) : source;
}

TensorEncoding keep_table(const TensorEncoding& source) {
    switch (source.kind) {
        case Kind::block:
            return source;
        case Kind::ggml:
            return block(BlockFormat::mxint8);
        case Kind::plain:
            return source.dtype == DType::f16 ? source : plain(DType::bf16);
    }
    return source;
}

} // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
    // Greedy with one point of return: the last star.
    size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p, ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

Result<KeepRule> parse_keep_rule(std::string_view text) {
    size_t split = text.rfind('=');
    if (split == std::string_view::npos || split == 0) {
        return error(Status::argument, "'", text, "' is not of the form PATTERN=FORMAT");
    }
    KeepRule rule;
    rule.pattern = std::string(text.substr(0, split));
    std::string_view format = text.substr(split + 1);
    if (format == "source") {
        rule.source = true;
    } else if (format == "f32") {
        rule.encoding = plain(DType::f32);
    } else if (format == "f16") {
        rule.encoding = plain(DType::f16);
    } else if (format == "bf16") {
        rule.encoding = plain(DType::bf16);
    } else if (auto parsed = parse_block_format(format)) {
        rule.encoding = block(*parsed);
    } else {
        return error(Status::argument, "'", format, "' in '", text,
                     "' is not a format: source, f32, f16, bf16, mxfp4, nvfp4, mxfp8-e4m3, mxfp8-e5m2, "
                     "mxfp6-e2m3, mxfp6-e3m2, mxint8");
    }
    return rule;
}

TensorEncoding target_encoding(const SourceTensor& tensor, BlockFormat format,
                               const std::vector<KeepRule>& rules) {
    const TensorEncoding& source = tensor.info->encoding;
    const Role role = tensor.slot.role;
    const bool is_table = role == Role::embedding || role == Role::head;
    // Only matrices can be block formats: a pattern that also matches vectors leaves those alone.
    if (!is_layer_linear(role) && !is_table) return kept(source);
    for (const KeepRule& rule : rules) {
        if (matches_pattern(rule.pattern, tensor.name)) return rule.source ? kept(source) : rule.encoding;
    }
    return is_table ? keep_table(source) : block(format);
}

} // namespace fp4
