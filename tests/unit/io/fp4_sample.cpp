// Writes a .fp4 file for fp4_python_test.py: MXFP4 and NVFP4 tensors, and beside each the float32 values that
// this library decodes from it.
#include <cmath>
#include <cstdio>

#include "libfp4/format/block_format.h"
#include "libfp4/io/fp4_writer.h"

using namespace fp4;

namespace {

constexpr uint64_t rows = 3, k = 72; // ragged for both block sizes

Result<void> write(const std::string& path) {
    constexpr BlockFormat formats[] = {BlockFormat::mxfp4, BlockFormat::nvfp4};
    TensorEncoding f32{.kind = TensorEncoding::Kind::plain, .dtype = DType::f32};
    std::vector<Fp4TensorPlan> plan;
    for (BlockFormat format : formats) {
        std::string name(block_format_name(format));
        plan.push_back({name, {.kind = TensorEncoding::Kind::block, .block = format}, {rows, k}});
        plan.push_back({name + ".expected", f32, {rows, k}});
    }
    FP4_ASSIGN(auto writer, Fp4Writer::create(path, plan, {{"config.json", "{\"model_type\":\"llama\"}"}},
                                              "{\"recipe\":\"sample\"}"));
    size_t tensor = 0;
    for (BlockFormat format : formats) {
        float scale = format == BlockFormat::nvfp4 ? 0.0123f : 1.0f;
        FP4_TRY(writer->set_tensor_scale(tensor, scale));
        std::vector<float> values(k), decoded(rows * k);
        std::vector<uint8_t> codes(row_code_bytes(format, k)), scales(row_scales(format, k));
        for (uint64_t r = 0; r < rows; r++) {
            for (uint64_t i = 0; i < k; i++) values[i] = std::sin(static_cast<float>(r * k + i)) * 3;
            quantize_row(format, ScaleRule::mse, scale, values.data(), k, codes.data(), scales.data());
            dequantize_row(format, scale, codes.data(), scales.data(), k, &decoded[r * k]);
            FP4_TRY(writer->write_rows(tensor, r, codes, scales));
        }
        const uint8_t* bytes = reinterpret_cast<const uint8_t*>(decoded.data());
        FP4_TRY(writer->write_plain_rows(tensor + 1, 0, {bytes, decoded.size() * sizeof(float)}));
        tensor += 2;
    }
    return writer->finish();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    auto written = write(argv[1]);
    if (!written.ok()) std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return written.ok() ? 0 : 1;
}
