#include "libfp4/io/fp4_writer.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "libfp4/io/document_blob.h"
#include "libfp4/io/fp4_layout.h"
#include "libfp4/io/partial_file.h"
#include "libfp4/io/tensor_shape.h"
#include "libfp4/io/xxh3.h"

namespace fp4 {
namespace {

// Progress of one planned tensor.
struct TensorState {
    uint64_t rows = 0;
    uint64_t rows_done = 0;
    float scale = 1.0f;
};

std::span<const uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

} // namespace

struct Fp4Writer::Impl {
    std::string path;
    std::vector<Fp4TensorPlan> plan;
    Fp4Layout layout;
    std::unique_ptr<PartialFile> file;
    std::vector<TensorState> tensors;
    std::vector<uint64_t> hashes; // of layout.stored
    std::vector<Xxh3> running;    // of the parts of the tensor being written
    std::optional<size_t> current;
    bool usable = true;

    std::string where(size_t tensor) const {
        return concat(path, ": tensor '", printable(plan[tensor].name), "'");
    }

    Result<void> write_part(size_t stored, uint64_t relative, std::span<const uint8_t> bytes) {
        return file->write_at(layout.stored[stored].offset + relative, bytes);
    }

    Result<void> store_whole(size_t stored, std::span<const uint8_t> bytes) {
        Xxh3 hash;
        hash.update(bytes);
        hashes[stored] = hash.digest();
        return write_part(stored, 0, bytes);
    }

    Result<void> begin(size_t tensor) {
        if (current == tensor) return {};
        if (current) {
            return error(Status::state, where(*current), " is not complete, but rows of '",
                         printable(plan[tensor].name), "' were given");
        }
        current = tensor;
        running.clear();
        return {};
    }

    // pieces: the same rows of each streamed part (codes and scales, or the plain data).
    Result<void> append_rows(size_t tensor, uint64_t first_row,
                             std::span<const std::span<const uint8_t>> pieces) {
        TensorState& state = tensors[tensor];
        size_t part = layout.first_part[tensor];
        uint64_t count = 0;
        for (size_t i = 0; i < pieces.size(); i++) {
            uint64_t row_bytes = layout.stored[part + i].part.bytes / state.rows;
            uint64_t rows = pieces[i].size() / row_bytes;
            if (pieces[i].size() % row_bytes != 0 || (i > 0 && rows != count)) {
                return error(Status::argument, where(tensor), ": ", pieces[i].size(), " bytes of part ", i,
                             " are not the expected number of rows of ", row_bytes, " bytes");
            }
            count = rows;
        }
        if (first_row != state.rows_done || count > state.rows - state.rows_done) {
            return error(Status::argument, where(tensor), ": rows ", first_row, " to ", first_row + count,
                         " were given, but ", state.rows_done, " of ", state.rows, " are written");
        }
        if (count == 0) return {};
        FP4_TRY(begin(tensor));
        running.resize(pieces.size());
        for (size_t i = 0; i < pieces.size(); i++) {
            running[i].update(pieces[i]);
            uint64_t row_bytes = pieces[i].size() / count;
            FP4_TRY(write_part(part + i, first_row * row_bytes, pieces[i]));
        }
        state.rows_done += count;
        if (state.rows_done == state.rows) {
            for (size_t i = 0; i < pieces.size(); i++) hashes[part + i] = running[i].digest();
            current.reset();
        }
        return {};
    }

    Result<void> check_call(size_t tensor, TensorEncoding::Kind kind) const {
        if (!usable) return error(Status::state, path, ": the writer failed before or is finished");
        if (tensor >= plan.size()) return error(Status::argument, path, ": the plan has no tensor ", tensor);
        if (plan[tensor].encoding.kind != kind) {
            return error(Status::argument, where(tensor), " is ", encoding_name(plan[tensor].encoding));
        }
        return {};
    }

    // A failed write leaves the file in an unknown state: no further call may succeed.
    Result<void> settle(Result<void> result) {
        usable &= result.ok();
        return result;
    }

    Result<void> store_tensor_scales() {
        for (size_t i = 0; i < plan.size(); i++) {
            if (plan[i].encoding.kind != TensorEncoding::Kind::block) continue;
            auto raw = std::bit_cast<std::array<uint8_t, sizeof(float)>>(tensors[i].scale);
            FP4_TRY(store_whole(layout.first_part[i] + 2, raw));
        }
        return {};
    }

    Result<void> store_header() {
        std::string& header = layout.header;
        for (size_t i = 0; i < hashes.size(); i++) {
            header.replace(layout.stored[i].hash_digits, profile::unset_hash.size(), hash_text(hashes[i]));
        }
        uint64_t hash = profile::header_hash(header, layout.header_hash_digits);
        header.replace(layout.header_hash_digits, profile::unset_hash.size(), hash_text(hash));
        auto length = std::bit_cast<std::array<uint8_t, 8>>(static_cast<uint64_t>(header.size()));
        FP4_TRY(file->write_at(0, length));
        return file->write_at(length.size(), as_bytes(header));
    }

    Result<void> finish() {
        for (size_t i = 0; i < plan.size(); i++) {
            if (tensors[i].rows_done != tensors[i].rows) {
                return error(Status::state, where(i), ": only ", tensors[i].rows_done, " of ",
                             tensors[i].rows, " rows were written");
            }
        }
        FP4_TRY(store_tensor_scales());
        FP4_TRY(store_header());
        return file->commit();
    }
};

Fp4Writer::Fp4Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Fp4Writer::~Fp4Writer() = default;

Result<std::unique_ptr<Fp4Writer>> Fp4Writer::create(const std::string& path,
                                                     std::vector<Fp4TensorPlan> tensors,
                                                     const std::vector<Fp4Document>& documents,
                                                     std::string_view manifest) {
    std::vector<std::vector<uint8_t>> packed;
    for (const Fp4Document& document : documents) {
        FP4_ASSIGN(std::vector<uint8_t> frame, pack_document(document.content, document.name));
        packed.push_back(std::move(frame));
    }
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    FP4_ASSIGN(impl->layout, plan_fp4_layout(path, tensors, documents, packed, manifest));
    impl->hashes.resize(impl->layout.stored.size());
    for (const Fp4TensorPlan& tensor : tensors) {
        impl->tensors.push_back({.rows = TensorInfo{tensor.name, tensor.encoding, tensor.shape, 0}.rows()});
    }
    impl->plan = std::move(tensors);
    FP4_ASSIGN(impl->file, PartialFile::create(path, impl->layout.file_bytes));
    for (size_t i = 0; i < packed.size(); i++) FP4_TRY(impl->store_whole(i, packed[i]));
    return std::unique_ptr<Fp4Writer>(new Fp4Writer(std::move(impl)));
}

Result<void> Fp4Writer::write_rows(size_t tensor, uint64_t first_row, std::span<const uint8_t> codes,
                                   std::span<const uint8_t> scales) {
    FP4_TRY(impl_->check_call(tensor, TensorEncoding::Kind::block));
    std::array pieces = {codes, scales};
    return impl_->settle(impl_->append_rows(tensor, first_row, pieces));
}

Result<void> Fp4Writer::write_plain_rows(size_t tensor, uint64_t first_row, std::span<const uint8_t> data) {
    FP4_TRY(impl_->check_call(tensor, TensorEncoding::Kind::plain));
    std::array pieces = {data};
    return impl_->settle(impl_->append_rows(tensor, first_row, pieces));
}

Result<void> Fp4Writer::set_tensor_scale(size_t tensor, float scale) {
    FP4_TRY(impl_->check_call(tensor, TensorEncoding::Kind::block));
    if (!std::isfinite(scale) || scale <= 0) {
        return error(Status::argument, impl_->where(tensor), ": tensor scale ", static_cast<double>(scale),
                     " is not a positive number");
    }
    impl_->tensors[tensor].scale = scale;
    return {};
}

uint64_t Fp4Writer::file_bytes() const {
    return impl_->layout.file_bytes;
}

Result<void> Fp4Writer::finish() {
    if (!impl_->usable) return error(Status::state, impl_->path, ": the writer failed before or is finished");
    Result<void> result = impl_->finish();
    impl_->usable = false;
    return result;
}

} // namespace fp4
