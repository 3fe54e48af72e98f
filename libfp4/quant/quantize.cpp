#include "libfp4/quant/quantize.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "libfp4/base/thread_pool.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/quant/row_codec.h"

namespace fp4 {
namespace {

// Rows are read, rounded and written in pieces of about this size.
constexpr uint64_t piece_bytes = 4u << 20;

class Quantizer {
  public:
    Quantizer(const QuantizeRequest& request, JobControl& job) : request_(request), job_(job) {}

    Result<QuantizeSummary> run() {
        const auto start = std::chrono::steady_clock::now();
        job_.report("reading", request_.source, 0, 0);
        FP4_ASSIGN(auto checkpoint, open_checkpoint(request_.source, OpenOptions{.allow_map = false}));
        FP4_ASSIGN(source_, inspect_model(std::move(checkpoint)));
        FP4_ASSIGN(pool_, ThreadPool::create(request_.threads, ThreadPriority::normal));
        FP4_TRY(create_writer());
        for (size_t i = 0; i < source_.tensors.size(); ++i) {
            FP4_TRY(write_tensor(i));
            done_ += source_.tensors[i].info->stored_bytes;
        }
        job_.report("finishing", request_.target, done_, summary_.bytes_in);
        FP4_TRY(writer_->finish());
        summary_.relative_error = error_.relative();
        summary_.bits_per_weight =
            8.0 * static_cast<double>(stored_bytes_) / static_cast<double>(summary_.weights);
        summary_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        return summary_;
    }

  private:
    Result<void> create_writer() {
        std::vector<Fp4TensorPlan> plan;
        std::map<std::string, uint64_t> formats; // how many tensors have each
        for (const SourceTensor& tensor : source_.tensors) {
            TensorEncoding encoding = target_encoding(tensor, request_.format, request_.keep);
            encodings_.push_back(encoding);
            plan.push_back({tensor.name, encoding, tensor.info->shape});
            summary_.bytes_in += tensor.info->stored_bytes;
            summary_.weights += tensor.slot.rows * tensor.slot.cols;
            ++formats[std::string(encoding_name(encoding))];
        }
        FP4_ASSIGN(std::vector<Fp4Document> documents, collect_documents());
        FP4_ASSIGN(writer_,
                   Fp4Writer::create(request_.target, std::move(plan), documents, manifest(formats)));
        summary_.bytes_out = writer_->file_bytes();
        return {};
    }

    std::string manifest(const std::map<std::string, uint64_t>& formats) const {
        JsonWriter json;
        json.begin_object();
        json.member("method", "rtn");
        json.member("format", block_format_name(request_.format));
        json.member("scale_rule", scale_rule_name(request_.rule));
        json.key("tensors");
        json.begin_object();
        for (const auto& [name, count] : formats) json.member(name, count);
        json.end_object();
        json.member("source_kind", source_.checkpoint->kind());
        json.end_object();
        return json.take();
    }

    // config.json is rewritten, since tensors take canonical names; the tokenizer travels as it is.
    Result<std::vector<Fp4Document>> collect_documents() {
        const Checkpoint& checkpoint = *source_.checkpoint;
        std::vector<Fp4Document> documents{{"config.json", config_to_json(source_.config)}};
        for (const std::string& name : checkpoint.document_names()) {
            if (name == "config.json" || name == "manifest.json") continue;
            FP4_ASSIGN(std::string content, checkpoint.read_document(name));
            documents.push_back({name, std::move(content)});
        }
        return documents;
    }

    Result<void> write_tensor(size_t index) {
        const SourceTensor& tensor = source_.tensors[index];
        const TensorEncoding& encoding = encodings_[index];
        const bool same = encoding_name(encoding) == encoding_name(tensor.info->encoding);
        const bool is_block = encoding.kind == TensorEncoding::Kind::block;
        (is_block && !same ? summary_.tensors_quantized : summary_.tensors_kept) += 1;
        if (is_block && same) return copy_blocks(index);
        if (!is_block) return write_plain(index, dtype_size(encoding.dtype));
        return write_quantized(index);
    }

    // Calls visit(first, count) for pieces of whole rows.
    template <class Visit>
    Result<void> each_piece(const SourceTensor& tensor, const char* phase, Visit&& visit) {
        const uint64_t rows = tensor.info->rows(), row_bytes = 4 * tensor.info->row_length();
        const uint64_t piece = std::max<uint64_t>(1, piece_bytes / row_bytes);
        for (uint64_t first = 0; first < rows; first += piece) {
            FP4_TRY(job_.check());
            job_.report(phase, tensor.name, done_ + tensor.info->stored_bytes * first / rows,
                        summary_.bytes_in);
            FP4_TRY(visit(first, std::min(piece, rows - first)));
        }
        return {};
    }

    Result<void> read_f32(const SourceTensor& tensor, uint64_t first, uint64_t count) {
        values_.resize(count * tensor.info->row_length());
        return source_.checkpoint->read_f32(*tensor.info, first, count, values_.data());
    }

    Result<void> copy_blocks(size_t index) {
        const SourceTensor& tensor = source_.tensors[index];
        const BlockFormat format = encodings_[index].block;
        const uint64_t k = tensor.info->row_length();
        FP4_ASSIGN(float scale, source_.checkpoint->tensor_scale(*tensor.info));
        FP4_TRY(writer_->set_tensor_scale(index, scale));
        return each_piece(tensor, "copying", [&](uint64_t first, uint64_t count) -> Result<void> {
            codes_.resize(count * row_code_bytes(format, k));
            scales_.resize(count * row_scales(format, k));
            FP4_TRY(
                source_.checkpoint->read_block(*tensor.info, first, count, codes_.data(), scales_.data()));
            stored_bytes_ += codes_.size() + scales_.size();
            return writer_->write_rows(index, first, codes_, scales_);
        });
    }

    Result<void> write_plain(size_t index, size_t value_bytes) {
        const SourceTensor& tensor = source_.tensors[index];
        return each_piece(tensor, "copying", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(tensor, first, count));
            codes_.resize(values_.size() * value_bytes);
            encode_plain(encodings_[index].dtype, values_, codes_.data());
            stored_bytes_ += codes_.size();
            return writer_->write_plain_rows(index, first, codes_);
        });
    }

    Result<void> write_quantized(size_t index) {
        const SourceTensor& tensor = source_.tensors[index];
        const uint64_t k = tensor.info->row_length();
        float amax = 0;
        // The tensor scale needs the largest magnitude of all rows first; reading twice keeps memory small.
        FP4_TRY(each_piece(tensor, "scanning", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(tensor, first, count));
            return scan_amax(tensor, first, count, amax);
        }));
        RowCodec codec(encodings_[index].block, request_.rule, amax);
        FP4_TRY(writer_->set_tensor_scale(index, codec.tensor_scale()));
        return each_piece(tensor, "quantizing", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(tensor, first, count));
            codes_.resize(count * codec.code_bytes(k));
            scales_.resize(count * codec.scale_bytes(k));
            codec.quantize(*pool_, values_.data(), count, k, codes_.data(), scales_.data(), error_);
            stored_bytes_ += codes_.size() + scales_.size();
            return writer_->write_rows(index, first, codes_, scales_);
        });
    }

    Result<void> scan_amax(const SourceTensor& tensor, uint64_t first, uint64_t count, float& amax) {
        const uint64_t k = tensor.info->row_length();
        for (uint64_t row = 0; row < count; ++row) {
            float largest = row_amax(values_.data() + row * k, k);
            if (std::isnan(largest)) {
                return error(Status::format, request_.source, ": tensor '", tensor.info->name, "' row ",
                             first + row, " holds NaN or infinite values; it cannot be quantized");
            }
            amax = std::max(amax, largest);
        }
        return {};
    }

    const QuantizeRequest& request_;
    JobControl& job_;
    ModelSource source_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<Fp4Writer> writer_;
    std::vector<TensorEncoding> encodings_; // one per source tensor
    std::vector<float> values_;
    std::vector<uint8_t> codes_, scales_;
    QuantizeSummary summary_;
    RoundingError error_;
    uint64_t done_ = 0;         // source bytes
    uint64_t stored_bytes_ = 0; // of all tensors written
};

} // namespace

Result<void> check_request(const QuantizeRequest& request) {
    if (scale_rule_applies(request.format, request.rule)) return {};
    return error(Status::argument, "scale rule '", scale_rule_name(request.rule), "' does not apply to ",
                 block_format_name(request.format));
}

Result<QuantizeSummary> quantize(const QuantizeRequest& request, JobControl& job) {
    FP4_TRY(check_request(request));
    return Quantizer(request, job).run();
}

std::string summary_to_json(const QuantizeSummary& summary, const QuantizeRequest& request) {
    JsonWriter json;
    json.begin_object();
    json.member("source", request.source);
    json.member("target", request.target);
    json.member("format", block_format_name(request.format));
    json.member("scale_rule", scale_rule_name(request.rule));
    json.member("bytes_in", summary.bytes_in);
    json.member("bytes_out", summary.bytes_out);
    json.member("weights", summary.weights);
    json.member("bits_per_weight", summary.bits_per_weight);
    json.member("seconds", summary.seconds);
    json.member("tensors_quantized", summary.tensors_quantized);
    json.member("tensors_kept", summary.tensors_kept);
    json.member("relative_error", summary.relative_error);
    json.end_object();
    return json.take();
}

} // namespace fp4
