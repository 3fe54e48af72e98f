// Operations of a decode step and their neighbours in one kernel, where there is one.
#include "cuda/cuda_stream.h"
#include "cuda/device/launch.h"
#include "cuda/kernels/matvec_next.h"
#include "cuda/kernels/next_position.h"
#include "cuda/step_options.h"
#include "cuda/views.h"

namespace fp4::cuda {

void CudaStream::run_calls() {
    launched(launch_next_position(position_.as<uint32_t>(), stream_), "next_position");
    for (size_t i = 0; i < calls_.size() && state_.ok();) {
        if (const size_t fused = run_fused(i))
            i += fused;
        else
            run(calls_[i++]);
    }
}

void CudaStream::run(const StepCall& call) {
    if (const auto* rope = std::get_if<RopeCall>(&call)) {
        rope_append(*rope->q, *rope->k, *rope->v, rope->n, rope->position, rope->shape,
                    rope->q_norm ? &*rope->q_norm : nullptr, rope->k_norm ? &*rope->k_norm : nullptr,
                    rope->rope, *rope->cache, rope->layer);
    } else if (const auto* c = std::get_if<AttentionCall>(&call)) {
        attention(*c->q, c->n, c->position, c->params, *c->cache, c->layer, c->transform, c->format, *c->out);
    } else if (const auto* product = std::get_if<LinearCall>(&call)) {
        linear(*product->input, product->n, product->targets);
    } else if (const auto* n = std::get_if<NormCall>(&call)) {
        norm(*n->x, n->first_row, n->n, n->norm, n->transform, n->format, *n->out);
    } else if (const auto* g = std::get_if<GluCall>(&call)) {
        glu(*g->gate, *g->up, g->n, g->kind, g->transform, g->format, *g->out);
    } else {
        std::get<std::function<void()>>(call)();
    }
}

size_t CudaStream::run_fused(size_t i) {
    if (i + 1 == calls_.size()) return 0;
    const StepCall &call = calls_[i], &next = calls_[i + 1];
    if (const auto* rope = std::get_if<RopeCall>(&call)) {
        const auto* attention = std::get_if<AttentionCall>(&next);
        return attention && step_options.fuse_attention && run_fused(*rope, *attention) ? 2 : 0;
    }
    const auto* product = std::get_if<LinearCall>(&call);
    if (!product || !step_options.fuse_products) return 0;
    if (const auto* norm = std::get_if<NormCall>(&next))
        return only_multiplied(i + 2, *norm->out) && run_fused(*product, *norm) ? 2 : 0;
    const auto* glu = std::get_if<GluCall>(&next);
    return glu && run_fused(*product, *glu) ? 2 : 0;
}

bool CudaStream::run_fused(const RopeCall& rope, const AttentionCall& attention) {
    const RoundingView rounding = rounding_view(attention.transform, attention.format);
    if (rope.n != 1 || attention.n != 1 || rope.q != attention.q || rope.cache != attention.cache ||
        rope.layer != attention.layer || rope.position != attention.position ||
        rope.shape.heads != attention.params.shape.heads) {
        return false;
    }
    RopeView args;
    DecodeAttentionView view;
    if (!rope_view(rope, args) || !attention_fits(attention) ||
        !decode_attention_view(attention, rounding, view))
        return false;
    view.rope = args;
    view.k = device(*rope.k).floats();
    view.v = device(*rope.v).floats();
    launched(
        launch_decode_attention(view, rounding, written(*attention.out, attention.format).view(), stream_),
        "attention");
    return true;
}

bool CudaStream::only_multiplied(size_t i, const Activation& input) const {
    for (; i < calls_.size(); ++i) {
        if (const auto* product = std::get_if<LinearCall>(&calls_[i])) {
            if (product->input != &input) continue;
            for (const LinearTarget& target : product->targets)
                if (!device(*target.weight).view().packed) return false;
        }
        if (const auto* norm = std::get_if<NormCall>(&calls_[i]); norm && norm->out == &input) break;
    }
    return true;
}

bool CudaStream::next_input_view(const LinearCall& product, MatvecView& view) {
    if (!overlap_kernels || product.n != 1 || product.targets.size() > matvec_targets) return false;
    uint32_t row_tiles = 0;
    for (const LinearTarget& target : product.targets) {
        const WeightView& weight = device(*target.weight).view();
        if (!weight.packed || weight.format != device(*product.targets[0].weight).view().format ||
            weight.cols != product.input->cols() || !holds(*target.out, 1, weight.rows) ||
            (target.bias && !vector_of(target.bias, weight.rows, "linear"))) {
            return false;
        }
        view.targets[view.target_count++] = {weight, output_view(target)};
        row_tiles += weight.rows / tile_rows;
    }
    view.input = device(*product.input).view(1);
    view.n = 1;
    view.plan = plan_matvec(row_tiles, view.input.cols, 1, processors_);
    return view.plan.splits == 1;
}

bool CudaStream::run_fused(const LinearCall& product, const NormCall& norm) {
    const RoundingView rounding = rounding_view(norm.transform, norm.format);
    const CudaActivation& out = device(*norm.out);
    if (product.input == norm.out || product.targets.size() != 1 || !product.targets[0].accumulate ||
        product.targets[0].out != norm.x || norm.first_row != 0 || norm.n != 1 ||
        rounding.kind != ActivationFormat::Kind::a16 || !out.squares() ||
        out.cols() != product.targets[0].weight->rows() || norm.norm.weight->cols() != out.cols() ||
        !rounding_fits("norm", 1, out.cols(), norm.transform, *norm.out) ||
        !rounds_32_columns(rounding, u32(out.cols()))) {
        return false;
    }
    MatvecView view;
    if (!next_input_view(product, view) || view.plan.row_warps != 1 || view.input.norm.squares) return false;
    NextInput next;
    next.norm = fp4::cuda::view(norm.norm);
    next.squares = out.squares();
    next.rounding = rounding;
    next.out = written(*norm.out, norm.format, {next.squares, next.norm.epsilon}).view(1);
    launched(launch_matvec_next(view, next, stream_), "linear and norm");
    return true;
}

bool CudaStream::run_fused(const LinearCall& product, const GluCall& glu) {
    const RoundingView rounding = rounding_view(glu.transform, glu.format);
    if (product.input == glu.out || product.targets.size() != 2 || product.targets[0].out != glu.gate ||
        product.targets[1].out != glu.up || product.targets[0].accumulate || product.targets[1].accumulate ||
        glu.n != 1 || product.targets[0].weight->rows() != glu.out->cols() ||
        product.targets[1].weight->rows() != glu.out->cols() ||
        !rounding_fits("glu", 1, glu.out->cols(), glu.transform, *glu.out) ||
        !rounds_32_columns(rounding, u32(glu.out->cols()))) {
        return false;
    }
    MatvecView view;
    if (!next_input_view(product, view)) return false;
    view.plan.row_warps = 2;
    view.plan.k_warps = std::min(view.plan.k_warps, matvec_warps / 2);
    NextInput next;
    next.glu = glu.kind;
    next.rounding = rounding;
    next.out = written(*glu.out, glu.format).view(1);
    launched(launch_matvec_next(view, next, stream_), "linear and glu");
    return true;
}

} // namespace fp4::cuda
