// Every matrix kernel on the GPU at hand against the CPU's definition, over all tile edges. Prints one line a
// kernel and shape; exit status 1 if any is wrong.
#include <cmath>
#include <cstring>
#include <span>

#include "cuda/gemm/e4m3_fold.h"
#include "cuda/gemm/gemm.h"
#include "tests/bench/cuda_gemm/device_memory.h"
#include "tests/unit/cuda_mma/gemm_operands.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

bool all_right = true;

struct Case {
    size_t m, n, k;
    bool bias, accumulate, x_scale;
};

struct Data {
    std::vector<float> bias, old, x_scale;
    Data(const Case& c, std::mt19937& random) : bias(c.n), old(c.m * c.n), x_scale(c.m) {
        for (float& value : bias) value = static_cast<float>(random() % 1000) - 500;
        for (float& value : old) value = static_cast<float>(random() % 1000) - 500;
        for (float& value : x_scale) value = static_cast<float>(1 + random() % 4);
    }
};

void report(const char* kernel, BlockFormat format, const Case& c, double worst, double bound) {
    const bool right = worst <= bound;
    all_right = all_right && right;
    std::printf("%-5s %-14s %-6s m %5zu n %5zu k %5zu  error 2^%.1f\n", right ? "ok" : "WRONG", kernel,
                format == BlockFormat::nvfp4 ? "nvfp4" : "mxfp4", c.m, c.n, c.k,
                worst > 0 ? std::log2(worst) : -99.0);
}

// Largest error relative to the sum of magnitudes.
template <class Dots>
double worst_error(const Case& c, const Data& data, const std::vector<float>& out, float w_scale,
                   Dots&& dots) {
    double worst = 0;
    for (size_t m = 0; m < c.m; ++m)
        for (size_t n = 0; n < c.n; ++n) {
            const size_t i = m * c.n + n;
            const Dot dot = dots(m, n);
            const double scale = static_cast<double>(w_scale) * (c.x_scale ? data.x_scale[m] : 1.0f);
            const double extra = (c.bias ? data.bias[n] : 0) + (c.accumulate ? data.old[i] : 0);
            const double terms = dot.terms * scale + (c.bias ? std::fabs(data.bias[n]) : 0) +
                                 (c.accumulate ? std::fabs(data.old[i]) : 0) + 1e-300;
            const double error = std::fabs(out[i] - (dot.sum * scale + extra)) / terms;
            worst = error > worst || std::isnan(error) ? error : worst;
            if (std::isnan(worst)) return INFINITY;
        }
    return worst;
}

void check_w4a4(BlockFormat format, const Case& c, std::mt19937& random, bool exact_too) {
    const PlainMatrix x = random_matrix(format, c.m, c.k, random),
                      w = random_matrix(format, c.n, c.k, random);
    const PackedMatrix px = pack_activations(x), pw = pack_weights(w);
    const Data data(c, random);
    const DeviceArray<uint8_t> x_codes(px.codes), x_scales(px.scales), w_codes(pw.codes), w_scales(pw.scales);
    const DeviceArray<float> bias(data.bias), x_scale(data.x_scale);
    for (bool exact : {false, true}) {
        if (exact && !exact_too) continue;
        const DeviceArray<float> out(data.old);
        GemmW4A4 gemm;
        gemm.format = format;
        gemm.m = c.m, gemm.n = c.n, gemm.k = c.k;
        gemm.x = {x_codes.get(), x_scales.get()};
        gemm.x_scale = c.x_scale ? x_scale.get() : nullptr;
        gemm.w = {w_codes.get(), w_scales.get()};
        gemm.w_scale = 0.75f;
        gemm.output = {c.bias ? bias.get() : nullptr, out.get(), c.accumulate};
        check(exact ? gemm_w4a4_exact(gemm, nullptr) : gemm_w4a4(gemm, nullptr), "w4a4");
        check(cudaDeviceSynchronize(), "w4a4");
        const double worst = worst_error(c, data, out.download(), 0.75f,
                                         [&](size_t m, size_t n) { return w4a4_dot(x, m, w, n); });
        report(exact ? "w4a4 exact" : "w4a4", format, c, worst, 0x1p-22);
    }
}

std::vector<float> values_of(const PlainMatrix& matrix) {
    std::vector<float> values(matrix.rows * matrix.k);
    for (size_t row = 0; row < matrix.rows; ++row)
        dequantize_row(matrix.format, 1.0f, matrix.codes.data() + row * matrix.code_stride(),
                       matrix.scales.data() + row * matrix.scale_stride(), matrix.k,
                       values.data() + row * matrix.k);
    return values;
}

// [m][n] of x [m][k] and w [n][k].
std::vector<Dot> dots_of(const Case& c, const std::vector<float>& x, const std::vector<float>& w) {
    std::vector<Dot> dots(c.m * c.n);
    for (size_t m = 0; m < c.m; ++m)
        for (size_t n = 0; n < c.n; ++n) {
            Dot dot{0, 0};
            for (size_t k = 0; k < c.k; ++k) {
                const double term = static_cast<double>(w[n * c.k + k]) * x[m * c.k + k];
                dot.sum += term;
                dot.terms += std::fabs(term);
            }
            dots[m * c.n + n] = dot;
        }
    return dots;
}

void check_w4a8(const Case& c, std::mt19937& random) {
    const PlainMatrix x = random_matrix(BlockFormat::mxfp8_e4m3, c.m, c.k, random),
                      w = random_matrix(BlockFormat::mxfp4, c.n, c.k, random);
    const PackedMatrix px = pack_activations(x), pw = pack_weights(w);
    const Data data(c, random);
    const DeviceArray<uint8_t> x_codes(px.codes), x_scales(px.scales), w_codes(pw.codes), w_scales(pw.scales);
    const DeviceArray<float> bias(data.bias), out(data.old);
    GemmW4A4 gemm;
    gemm.format = BlockFormat::mxfp8_e4m3;
    gemm.m = c.m, gemm.n = c.n, gemm.k = c.k;
    gemm.x = {x_codes.get(), x_scales.get()};
    gemm.w = {w_codes.get(), w_scales.get()};
    gemm.output = {c.bias ? bias.get() : nullptr, out.get(), c.accumulate};
    check(gemm_w4a4(gemm, nullptr), "w4a8");
    check(cudaDeviceSynchronize(), "w4a8");
    Case unscaled = c;
    unscaled.x_scale = false;
    const std::vector<Dot> dots = dots_of(c, values_of(x), values_of(w));
    report("w4a8", BlockFormat::mxfp4, c,
           worst_error(unscaled, data, out.download(), 1.0f,
                       [&](size_t m, size_t n) { return dots[m * c.n + n]; }),
           0x1p-21);
}

// Tokens in panels (fp4_layout.h), and the values that they stand for, [m][k].
struct Tokens {
    PanelElement element;
    std::vector<uint8_t> panels;
    std::vector<float> values;
    size_t panel_rows;
};

struct Variant {
    const char* name;
    cudaError_t (*multiply)(const GemmW4A16& gemm, cudaStream_t stream);
    bool split; // there is a workspace for it
};

void check_panels(const PlainMatrix& w, const Tokens& x, const Case& c, std::mt19937& random,
                  std::span<const Variant> variants, double bound) {
    const PackedMatrix pw = pack_weights(w);
    const Data data(c, random);
    const std::vector<Dot> dots = dots_of(c, x.values, values_of(w));
    const DeviceArray<uint8_t> panels(x.panels), w_codes(pw.codes), w_scales(pw.scales),
        rows(c.n * w4_row_bytes);
    const DeviceArray<float> bias(data.bias), x_scale(data.x_scale), workspace(8 * c.m * c.n);
    W4Row* w_rows = reinterpret_cast<W4Row*>(rows.get());
    check(prepare_w4a16(w.format, w_scales.get(), c.n, c.k, 0.75f, w_rows, nullptr), "prepare");
    for (const Variant& variant : variants) {
        const DeviceArray<float> out(data.old);
        GemmW4A16 gemm;
        gemm.format = w.format;
        gemm.m = c.m, gemm.k = c.k;
        gemm.element = x.element;
        gemm.x = panels.get(), gemm.panel_rows = x.panel_rows;
        gemm.x_scale = c.x_scale ? x_scale.get() : nullptr;
        gemm.weights[0] = {{w_codes.get(), w_scales.get()},
                           w_rows,
                           c.n,
                           {c.bias ? bias.get() : nullptr, out.get(), c.accumulate}};
        if (variant.split) gemm.workspace = workspace.get(), gemm.workspace_bytes = workspace.count() * 4;
        check(variant.multiply(gemm, nullptr), variant.name);
        check(cudaDeviceSynchronize(), variant.name);
        const double worst = worst_error(c, data, out.download(), 0.75f,
                                         [&](size_t m, size_t n) { return dots[m * c.n + n]; });
        report(variant.name, w.format, c, worst, bound);
    }
}

void check_w4a16(BlockFormat format, const Case& c, std::mt19937& random) {
    const PlainMatrix w = random_matrix(format, c.n, c.k, random);
    const size_t panel_rows = round_up(c.m, panel_row_step);
    Tokens x{PanelElement::f16, std::vector<uint8_t>(half_bytes(panel_rows, c.k)),
             std::vector<float>(c.m * c.k), panel_rows};
    for (size_t i = 0; i < x.values.size(); ++i) {
        const uint16_t code =
            encode_f16(static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 512.0f);
        x.values[i] = decode_f16(code);
        std::memcpy(x.panels.data() + half_offset(panel_rows, i / c.k, i % c.k), &code, 2);
    }
    const Variant variants[] = {{"w4a16", gemm_w4a16, false},
                                {"w4a16 split", gemm_w4a16, true},
                                {"w4a16 mma", gemm_w4a16_mma, false},
                                {"w4a16 mma split", gemm_w4a16_mma, true}};
    // The tensor cores cut sums toward zero: the error grows with k.
    check_panels(w, x, c, random, variants, c.k > 16384 ? 0x1p-18 : 0x1p-19);
}

// Hopper's W4A8: tokens in E4M3 with one scale each.
void check_e4m3(const Case& c, std::mt19937& random) {
    const PlainMatrix w = random_matrix(BlockFormat::mxfp4, c.n, c.k, random);
    if (!folds_into_e4m3(w.codes.data(), w.scales.data(), c.n, c.k)) std::abort();
    const size_t panel_rows = round_up(c.m, panel_row_step);
    Tokens x{PanelElement::e4m3, std::vector<uint8_t>(e4m3_bytes(panel_rows, c.k)),
             std::vector<float>(c.m * c.k), panel_rows};
    for (size_t i = 0; i < x.values.size(); ++i) {
        auto code = static_cast<uint8_t>(random());
        if ((code & 0x7F) == 0x7F) code = 0;
        x.values[i] = decode_e4m3(code);
        x.panels[e4m3_panel_offset(panel_rows, i / c.k, i % c.k)] = code;
    }
    const Variant variants[] = {{"w4a8 fp8", gemm_w4a16, false}, {"w4a8 fp8 split", gemm_w4a16, true}};
    // Sums of 128 columns keep 13 bits behind the largest product.
    check_panels(w, x, c, random, variants, 0x1p-10);
}

bool is_hopper() {
    int major = 0;
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "device");
    return major == 9;
}

} // namespace

int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    std::mt19937 random(11);
    const Case cases[] = {{1, 1, 64, false, false, false},      {1, 17, 96, true, false, true},
                          {129, 3, 160, true, false, true},     {3, 130, 80, true, true, true},
                          {70, 127, 704, false, true, false},   {128, 128, 640, false, false, true},
                          {300, 200, 1104, true, true, true},   {513, 257, 2080, true, false, true},
                          {33, 130, 14336, false, true, false}, {20, 40, 28672, true, false, false}};
    for (const Case& c : cases) {
        for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
            check_w4a4(format, c, random, c.m * c.n * c.k < 100000000);
            check_w4a16(format, c, random);
        }
    }
    for (const Case& c : cases)
        if (c.m * c.n * c.k < 100000000) check_w4a8(c, random);
    for (const Case& c : cases)
        if (is_hopper()) check_e4m3(c, random);
    std::printf(all_right ? "all right\n" : "SOME WRONG\n");
    return all_right ? 0 : 1;
}
