#include "cuda/work_memory.h"

#include <algorithm>

#include "cuda/device/launch.h"
#include "cuda/gemm/gemm.h"
#include "cuda/kernels/attention.h"
#include "cuda/kernels/decode_attention.h"
#include "cuda/kernels/matvec.h"
#include "cuda/kernels/prefill_attention.h"

namespace fp4::cuda {
namespace {

void add_attention(const StreamWork& work, int processors, WorkMemory& memory) {
    const auto heads = static_cast<uint32_t>(work.heads.heads),
               kv_heads = static_cast<uint32_t>(work.heads.kv_heads),
               capacity = static_cast<uint32_t>(work.capacity);
    if (heads == 0 || kv_heads == 0) return;
    uint64_t states = 0;
    PrefillAttention many;
    many.heads = heads;
    many.kv.kv_heads = kv_heads;
    many.kv.head_dim = static_cast<uint32_t>(work.heads.head_dim);
    for (uint32_t n = 1; n <= std::min<size_t>(work.tokens, capacity); ++n) {
        many.n = n;
        many.position = capacity - n;
        const uint32_t splits = n > few_tokens
                                    ? prefill_attention_splits(many, processors)
                                    : attention_splits(n, n == 1 ? decode_length_class(capacity) : capacity,
                                                       heads, kv_heads, processors);
        states = std::max(states, uint64_t(n) * heads * splits);
    }
    const uint64_t parts = decode_attention_parts(decode_length_class(capacity), heads, kv_heads, processors);
    states = std::max(states, heads * parts);
    memory.attention_sums = states * work.heads.head_dim * sizeof(float);
    memory.attention_states = states * sizeof(float2);
    memory.attention_counters = decode_attention_counters(heads, kv_heads) * sizeof(uint32_t);
}

void add_matvec(const StreamWork::Product& product, int processors, WorkMemory& memory) {
    MatvecView view;
    uint32_t row_tiles = 0;
    for (size_t rows : product.rows) {
        row_tiles += static_cast<uint32_t>((rows + tile_rows - 1) / tile_rows);
        view.targets[view.target_count++].weight.rows = static_cast<uint32_t>(rows);
    }
    for (uint32_t tokens : {1u, matvec_tokens}) {
        view.plan = plan_matvec(row_tiles, static_cast<uint32_t>(product.cols), tokens, processors);
        const uint32_t groups = matvec_groups(view);
        if (view.plan.splits <= 1) continue;
        const size_t bytes = matvec_scratch_floats(view.plan, groups) * sizeof(float);
        memory.matvec_sums = std::max<uint64_t>(memory.matvec_sums, bytes);
        memory.matvec_counters = std::max<uint64_t>(memory.matvec_counters, groups * sizeof(uint32_t));
    }
}

void add_gemm(const StreamWork::Product& product, size_t tokens, WorkMemory& memory) {
    GemmW4A16 gemm;
    gemm.k = product.cols;
    gemm.weight_count = product.rows.size();
    for (size_t i = 0; i < product.rows.size(); ++i) gemm.weights[i].n = product.rows[i];
    for (PanelElement element : {PanelElement::f16, PanelElement::e4m3}) {
        if (element == PanelElement::e4m3 && !e4m3_products) continue;
        gemm.element = element;
        for (gemm.m = few_tokens + 1; gemm.m <= tokens; ++gemm.m)
            memory.gemm_sums = std::max<uint64_t>(memory.gemm_sums, gemm_w4a16_workspace(gemm));
    }
}

} // namespace

WorkMemory work_memory(const StreamWork& work, int processors) {
    WorkMemory memory;
    add_attention(work, processors, memory);
    for (const StreamWork::Product& product : work.products) {
        if (!is_w4(product.format) || product.rows.size() > std::min<size_t>(matvec_targets, gemm_weights))
            continue;
        add_matvec(product, processors, memory);
        add_gemm(product, work.tokens, memory);
    }
    return memory;
}

} // namespace fp4::cuda
