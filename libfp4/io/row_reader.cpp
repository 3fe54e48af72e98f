#include "libfp4/io/row_reader.h"

#include <algorithm>

#include "libfp4/io/file_limits.h"
#include "libfp4/io/ggml_blocks.h"

namespace fp4 {
namespace {

Result<void> read(const StoredBytes& from, uint64_t relative, std::span<uint8_t> target) {
    return from.source->read_at(from.offset + relative, target);
}

// Blocks [first, first + count) of a microscaling tensor, counted over all rows: rows are padded to whole
// blocks, so blocks of consecutive rows follow each other in every layout.
Result<void> read_blocks(const BlockTensorBytes& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                         uint8_t* scales) {
    uint64_t code_bytes = row_code_bytes(tensor.format, block_size(tensor.format));
    if (tensor.scales.source) {
        FP4_TRY(read(tensor.data, first * code_bytes, {codes, static_cast<size_t>(count * code_bytes)}));
        return read(tensor.scales, first, {scales, static_cast<size_t>(count)});
    }
    // ggml's superblocks (NVFP4: four of our blocks) begin at row starts, and pieces hold whole ones.
    GgmlLayout layout = ggml_layout(tensor.format);
    uint64_t per_superblock = layout.elements / block_size(tensor.format);
    uint64_t piece = std::max<uint64_t>(limits::row_scratch / layout.bytes, 1);
    std::vector<uint8_t> scratch;
    for (uint64_t done = 0, total = count / per_superblock; done < total;) {
        uint64_t now = std::min(piece, total - done);
        scratch.resize(now * layout.bytes);
        FP4_TRY(read(tensor.data, (first / per_superblock + done) * layout.bytes, scratch));
        repack_ggml_blocks(tensor.format, scratch.data(), now, codes + done * per_superblock * code_bytes,
                           scales + done * per_superblock);
        done += now;
    }
    return {};
}

} // namespace

Result<void> read_plain_elements(const StoredBytes& data, DType dtype, uint64_t first, uint64_t count,
                                 float* target) {
    uint64_t size = dtype_size(dtype);
    if (dtype == DType::f32) {
        return read(data, first * size,
                    {reinterpret_cast<uint8_t*>(target), static_cast<size_t>(count * size)});
    }
    std::vector<uint8_t> scratch;
    for (uint64_t done = 0; done < count;) {
        uint64_t now = std::min(limits::row_scratch / size, count - done);
        scratch.resize(now * size);
        FP4_TRY(read(data, (first + done) * size, scratch));
        if (!convert_to_f32(dtype, scratch.data(), now, target + done)) {
            return error(Status::unsupported, "no float32 meaning of dtype ", dtype_name(dtype));
        }
        done += now;
    }
    return {};
}

Result<void> read_ggml_elements(const StoredBytes& data, GgmlType type, uint64_t first, uint64_t count,
                                float* target) {
    GgmlLayout layout = ggml_layout(type);
    uint64_t piece = limits::row_scratch / layout.bytes;
    std::vector<uint8_t> scratch;
    for (uint64_t done = 0, total = count / layout.elements; done < total;) {
        uint64_t now = std::min(piece, total - done);
        scratch.resize(now * layout.bytes);
        FP4_TRY(read(data, (first / layout.elements + done) * layout.bytes, scratch));
        dequantize_ggml(type, scratch.data(), now, target + done * layout.elements);
        done += now;
    }
    return {};
}

Result<void> read_block_rows(const BlockTensorBytes& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                             uint8_t* scales) {
    uint64_t blocks = row_scales(tensor.format, tensor.row_length);
    return read_blocks(tensor, first * blocks, count * blocks, codes, scales);
}

Result<void> read_block_rows_f32(const BlockTensorBytes& tensor, float tensor_scale, uint64_t first,
                                 uint64_t count, float* target) {
    uint64_t block = block_size(tensor.format);
    uint64_t code_bytes = row_code_bytes(tensor.format, block);
    uint64_t blocks_per_row = row_scales(tensor.format, tensor.row_length);
    // Rows of whole blocks are one long run; otherwise each row ends with a block cut short.
    bool whole = tensor.row_length % block == 0;
    uint64_t runs = whole ? 1 : count;
    uint64_t run_elements = whole ? count * tensor.row_length : tensor.row_length;
    uint64_t run_blocks = whole ? count * blocks_per_row : blocks_per_row;
    uint64_t piece = limits::row_scratch / 8 / code_bytes * 4; // whole ggml superblocks

    std::vector<uint8_t> codes, scales;
    for (uint64_t run = 0; run < runs; run++) {
        uint64_t run_start = first * blocks_per_row + run * run_blocks;
        for (uint64_t done = 0; done < run_blocks;) {
            uint64_t now = std::min(piece, run_blocks - done);
            codes.resize(now * code_bytes);
            scales.resize(now);
            FP4_TRY(read_blocks(tensor, run_start + done, now, codes.data(), scales.data()));
            uint64_t elements = std::min(now * block, run_elements - done * block);
            dequantize_row(tensor.format, tensor_scale, codes.data(), scales.data(), elements,
                           target + run * run_elements + done * block);
            done += now;
        }
    }
    return {};
}

} // namespace fp4
