#include "libfp4/cpu/cpu_work.h"

#include <algorithm>

#include "libfp4/cpu/weight_rows.h"

namespace fp4 {

size_t float_panel(size_t padded) {
    constexpr size_t panel_bytes = 384 * 1024, most_rows = 64;
    const size_t rows = panel_bytes / (padded * sizeof(float)) / 4 * 4;
    return std::clamp<size_t>(rows, 4, most_rows);
}

AttentionCut cut_attention(const HeadShape& shape, size_t n, size_t visible, size_t threads) {
    AttentionCut cut;
    // More query heads than a block holds are taken as several groups.
    const size_t heads_per_kv = shape.heads / shape.kv_heads;
    cut.group = std::min(heads_per_kv, attention_rows);
    while (heads_per_kv % cut.group != 0) --cut.group;
    cut.groups = shape.heads / cut.group;
    cut.block_tokens = std::max<size_t>(attention_rows / cut.group, 1);
    cut.blocks = (n + cut.block_tokens - 1) / cut.block_tokens;
    // Decode of a long context has few blocks: split the keys.
    if (cut.groups * cut.blocks < threads * 3 && threads > 1)
        cut.parts = std::clamp<size_t>(visible / (4 * attention_chunk), 1, threads * 2);
    cut.rows = std::min(cut.block_tokens, n) * cut.group;
    cut.state_floats = cut.rows * (padded_dim(shape.head_dim) + 2);
    return cut;
}

CpuWork cpu_work(const StreamWork& work, size_t threads) {
    const size_t dim = work.heads.head_dim;
    CpuWork needed;
    needed.worker = std::max(attention_scratch(dim), padded_cols(work.heads.heads * dim)) * sizeof(float);
    for (const StreamWork::Product& product : work.products) {
        const size_t padded = padded_cols(product.cols);
        needed.worker = std::max(
            {needed.worker, uint64_t(padded) * sizeof(float),
             uint64_t(float_panel(padded)) * padded * sizeof(float),
             uint64_t(has_integer_kernel(product.format) ? matmul_integer_scratch(product.cols) : 0)});
        if (is_w4(product.format)) {
            const size_t rows = std::min(work.tokens, float_matmul_tokens - 1);
            needed.arranged = std::max<uint64_t>(needed.arranged, rows * padded * sizeof(float));
        }
    }
    needed.worker = round_up(needed.worker, AlignedBytes::alignment);
    for (size_t n = 1; n <= work.tokens; ++n) {
        const AttentionCut cut = cut_attention(work.heads, n, work.capacity, threads);
        needed.partials = std::max<uint64_t>(needed.partials, cut.tasks() * cut.state_floats * sizeof(float));
    }
    return needed;
}

} // namespace fp4
