// Seconds from opening a .fp4 file in the page cache to the first token on the CUDA device. The file has
// random weights and is made if it is not there. Usage: cuda_load_bench FILE [shape] [format] [rounds]
#include <sys/stat.h>

#include "libfp4/engine/context.h"
#include "libfp4/io/fp4_writer.h"
#include "random_llama.h"

using namespace fp4;
using namespace fp4::bench;

namespace {

void write_file(const char* path, const char* shape, const char* format) {
    SyntheticModel synthetic;
    synthetic.config = expect(synthetic_shape(shape));
    synthetic.matrices = expect(matrix_encoding(format));
    const auto source = expect(synthetic_checkpoint(synthetic));
    std::vector<Fp4TensorPlan> plan;
    for (const TensorInfo& tensor : source->tensors())
        plan.push_back({tensor.name, tensor.encoding, tensor.shape});
    const std::vector<Fp4Document> documents{{"config.json", expect(source->read_document("config.json"))}};
    auto writer = expect(Fp4Writer::create(path, std::move(plan), documents, "{}"));
    std::vector<uint8_t> data, scales;
    for (size_t i = 0; i < source->tensors().size(); ++i) {
        const TensorInfo& tensor = source->tensors()[i];
        const uint64_t rows = tensor.rows(), cols = tensor.row_length();
        if (tensor.encoding.kind == TensorEncoding::Kind::plain) {
            data.resize(tensor.stored_bytes);
            expect(source->read_plain(tensor, 0, rows, data.data()));
            expect(writer->write_plain_rows(i, 0, data));
            continue;
        }
        data.resize(rows * row_code_bytes(tensor.encoding.block, cols));
        scales.resize(rows * row_scales(tensor.encoding.block, cols));
        expect(source->read_block(tensor, 0, rows, data.data(), scales.data()));
        expect(writer->write_rows(i, 0, data, scales));
        expect(writer->set_tensor_scale(i, expect(source->tensor_scale(tensor))));
    }
    expect(writer->finish());
}

// Brings the file into the page cache; its size.
uint64_t read_all(const char* path) {
    std::FILE* file = std::fopen(path, "rb");
    std::vector<char> piece(1 << 24);
    uint64_t bytes = 0;
    while (size_t count = file ? std::fread(piece.data(), 1, piece.size(), file) : 0) bytes += count;
    if (file) std::fclose(file);
    return bytes;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: cuda_load_bench FILE [shape] [format] [rounds]\n");
        return 2;
    }
    struct stat found;
    if (stat(argv[1], &found) != 0)
        write_file(argv[1], argc > 2 ? argv[2] : "llama-3-8b", argc > 3 ? argv[3] : "mxfp4");
    const uint64_t bytes = read_all(argv[1]);
    const double device_start = now();
    auto backend = expect(open_cuda_backend());
    std::printf("%.2f GB; device opened in %.3f s\n", static_cast<double>(bytes) * 1e-9,
                now() - device_start);
    for (int round = 0; round < (argc > 4 ? std::atoi(argv[4]) : 3); ++round) {
        const uint64_t free_before = backend->device().memory_free;
        const double start = now();
        auto source = expect(inspect_model(expect(open_checkpoint(argv[1], {}))));
        const double inspected = now();
        auto model = expect(Model::load(std::move(source), backend, {}));
        const double loaded = now();
        auto context = expect(Context::create(model, {}));
        const double created = now();
        const std::vector<int32_t> prompt{1, 2, 3, 4, 5, 6, 7, 8};
        expect(context->eval(prompt, false));
        SamplingConfig greedy;
        SampleRequest request;
        request.config = &greedy;
        const int32_t token = expect(context->sample(request));
        const double end = now();
        std::printf(
            "first token (%d) after %.3f s: headers %.3f, weights %.3f (%.2f GB/s), context %.3f, prompt and "
            "token %.3f\n",
            token, end - start, inspected - start, loaded - inspected,
            static_cast<double>(bytes) * 1e-9 / (loaded - inspected), created - loaded, end - created);
        const uint64_t gone = free_before - backend->device().memory_free;
        std::printf("held %.3f GB; the device has %.3f GB less than before\n",
                    static_cast<double>(backend->memory().used()) * 1e-9, static_cast<double>(gone) * 1e-9);
        std::fflush(stdout);
    }
    return 0;
}
