#include "libfp4/quant/quantize.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>

#include "libfp4/base/thread_pool.h"
#include "libfp4/engine/load_tokenizer.h"
#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/io/xxh3.h"
#include "libfp4/quant/calibration/text_lines.h"
#include "libfp4/quant/choose_formats.h"
#include "libfp4/quant/layered_quantizer.h"
#include "libfp4/quant/recipe/names.h"
#include "libfp4/quant/rotated_source.h"
#include "libfp4/quant/row_codec.h"

namespace fp4 {
namespace {

// Rows are read, rounded and written in pieces of about this size.
constexpr uint64_t piece_bytes = 4u << 20;
constexpr uint64_t rotation_seed = 1;

class Quantizer {
  public:
    Quantizer(const QuantizeRequest& request, JobControl& job)
        : request_(request), recipe_(request.recipe), job_(job) {}

    Result<QuantizeSummary> run() {
        const auto start = std::chrono::steady_clock::now();
        job_.report("reading", request_.source, 0, 0);
        FP4_ASSIGN(auto checkpoint, open_checkpoint(request_.source, OpenOptions{.allow_map = false}));
        FP4_ASSIGN(source_, inspect_model(std::move(checkpoint)));
        FP4_TRY(refuse_transformed());
        FP4_ASSIGN(pool_, ThreadPool::create(request_.threads, ThreadPriority::normal));
        if (recipe_.global_rotation) {
            FP4_ASSIGN(source_, rotate_source(source_, rotation_seed, *pool_));
        }
        if (!recipe_.is_plain()) FP4_TRY(quantize_layered());
        FP4_TRY(create_writer());
        for (size_t i = 0; i < items_.size(); ++i) {
            FP4_TRY(write_item(i));
            done_ += items_[i].info->stored_bytes;
        }
        FP4_TRY(write_sites());
        job_.report("finishing", request_.target, done_, total_);
        FP4_TRY(writer_->finish());
        if (layers_) layers_->remove();
        if (!layers_) summary_.relative_error = error_.relative();
        summary_.bits_per_weight =
            8.0 * static_cast<double>(stored_bytes_) / static_cast<double>(summary_.weights);
        summary_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        return summary_;
    }

  private:
    // A tensor of the file: from the source, or from a finished layer.
    struct Item {
        const SourceTensor* tensor;
        const Checkpoint* from;
        const TensorInfo* info; // in `from`
        TensorEncoding encoding;
    };

    // Its weights are in another basis than the model's own, and were rounded in it.
    Result<void> refuse_transformed() const {
        for (const LayerOutlines& layer : source_.sites) {
            for (const SiteOutline& site : layer) {
                if (!site.has_transform()) continue;
                return error(
                    Status::unsupported, request_.source,
                    ": the weights were transformed when they were quantized; quantize the original model");
            }
        }
        return {};
    }

    Result<void> quantize_layered() {
        if (recipe_.needs_calibration()) {
            FP4_ASSIGN(auto tokenizer, load_tokenizer(*source_.checkpoint));
            if (!tokenizer) return missing_tokenizer(*source_.checkpoint);
            const CalibrationRecipe& wanted = recipe_.calibration;
            const uint32_t length = std::min(wanted.length, source_.config.context_length);
            FP4_ASSIGN(calibration_,
                       read_calibration_text({request_.calibration_text, wanted.sequences, length},
                                             *tokenizer, source_.config.vocabulary));
            summary_.calibration_tokens = calibration_.tokens.size();
        }
        if (!recipe_.learned_transforms.empty()) {
            FP4_ASSIGN(learned_, LearnedTransforms::open(recipe_.learned_transforms, source_.config));
        }
        const LayeredRequest layered{source_,
                                     recipe_,
                                     request_.backend.get(),
                                     calibration_.sequences() > 0 ? &calibration_ : nullptr,
                                     learned_.get(),
                                     request_.target + ".work",
                                     request_.threads};
        if (!recipe_.choice.formats.empty()) {
            FP4_ASSIGN(std::vector<KeepRule> chosen, choose_formats(layered, job_));
            recipe_.tensors.insert(recipe_.tensors.end(), chosen.begin(), chosen.end());
        }
        FP4_ASSIGN(layers_, quantize_layers(layered, job_));
        sites_.resize(source_.config.layers);
        for (uint32_t layer = 0; layer < source_.config.layers; ++layer) {
            FP4_ASSIGN(sites_[layer], layers_->sites(layer));
            FP4_ASSIGN(std::string report, layers_->report(layer));
            reports_.push_back(std::move(report));
            FP4_TRY(collect_notes(layer));
        }
        site_storage_ = site_document(sites_);
        return {};
    }

    Result<void> collect_notes(uint32_t layer) {
        FP4_ASSIGN(JsonValue sites, parse_json(reports_[layer], "layer report"));
        if (!sites.array()) return {};
        for (const JsonValue& site : *sites.array()) {
            const JsonValue* notes = site.find("notes");
            if (!notes || !notes->array()) continue;
            const JsonValue* name = site.find("site");
            for (const JsonValue& note : *notes->array()) {
                summary_.notes.push_back(concat("layer ", layer, ", ",
                                                name && name->string() ? *name->string() : "", ": ",
                                                note.string() ? *note.string() : ""));
            }
        }
        return {};
    }

    Result<Item> item_of(const SourceTensor& tensor) const {
        const bool in_layer = layers_ && is_layer_linear(tensor.slot.role);
        const TensorEncoding encoding = target_encoding(tensor, recipe_.format, recipe_.tensors);
        if (!in_layer) return Item{&tensor, source_.checkpoint.get(), tensor.info, encoding};
        const Checkpoint& layer = *layers_->layer(tensor.slot.layer);
        const TensorInfo* info = layer.find(tensor.name);
        if (!info) return error(Status::internal, layer.name(), ": tensor '", tensor.name, "' is missing");
        return Item{&tensor, &layer, info, info->encoding};
    }

    Result<void> create_writer() {
        std::vector<Fp4TensorPlan> plan;
        std::map<std::string, uint64_t> formats; // how many tensors have each
        for (const SourceTensor& tensor : source_.tensors) {
            FP4_ASSIGN(Item item, item_of(tensor));
            plan.push_back({tensor.name, item.encoding, tensor.info->shape});
            summary_.bytes_in += tensor.info->stored_bytes;
            summary_.weights += tensor.slot.rows * tensor.slot.cols;
            total_ += item.info->stored_bytes;
            ++formats[std::string(encoding_name(item.encoding))];
            items_.push_back(std::move(item));
        }
        if (site_storage_) {
            for (const SiteTensor& tensor : site_storage_->tensors) plan.push_back(tensor.plan);
        }
        FP4_ASSIGN(std::vector<Fp4Document> documents, collect_documents());
        FP4_ASSIGN(writer_,
                   Fp4Writer::create(request_.target, std::move(plan), documents, manifest(formats)));
        summary_.bytes_out = writer_->file_bytes();
        return {};
    }

    std::string manifest(const std::map<std::string, uint64_t>& formats) const {
        const std::string recipe_json = recipe_to_json(recipe_);
        JsonWriter json;
        json.begin_object();
        json.member("method", recipe_.name);
        json.member("format", block_format_name(recipe_.format));
        json.member("scale_rule", scale_name(recipe_));
        json.key("tensors");
        json.begin_object();
        for (const auto& [name, count] : formats) json.member(name, count);
        json.end_object();
        json.member("source_kind", source_.checkpoint->kind());
        json.key("recipe");
        json.raw(recipe_json);
        json.member("recipe_hash", hash_text(xxh3(recipe_json)));
        if (calibration_.sequences() > 0) {
            json.key("calibration");
            json.begin_object();
            json.member("text_hash", hash_text(calibration_.text_hash));
            json.member("sequences", calibration_.sequences());
            json.member("length", calibration_.length);
            json.end_object();
        }
        if (learned_) json.member("learned_transforms_hash", hash_text(learned_->hash()));
        if (!reports_.empty()) {
            json.key("layers");
            json.begin_array();
            for (const std::string& report : reports_) json.raw(report);
            json.end_array();
        }
        json.end_object();
        return json.take();
    }

    // config.json is rewritten, since tensors take canonical names; the tokenizer travels as it is.
    Result<std::vector<Fp4Document>> collect_documents() {
        const Checkpoint& checkpoint = *source_.checkpoint;
        std::vector<Fp4Document> documents{{"config.json", config_to_json(source_.config)}};
        for (const std::string& name : checkpoint.document_names()) {
            const bool made_here = name == "config.json" || name == "manifest.json" ||
                                   name == calibration_lines_document || name == profile::sites_document;
            if (made_here) continue;
            FP4_ASSIGN(std::string content, checkpoint.read_document(name));
            documents.push_back({name, std::move(content)});
        }
        if (site_storage_) documents.push_back(site_storage_->document);
        // Of this calibration, and of the one behind weights that were quantized before.
        FP4_ASSIGN(const std::vector<uint64_t> before, calibration_lines(checkpoint));
        std::vector<uint64_t> lines;
        std::ranges::set_union(before, calibration_.lines, std::back_inserter(lines));
        if (!lines.empty())
            documents.push_back({std::string(calibration_lines_document), store_lines(lines)});
        return documents;
    }

    Result<void> write_item(size_t index) {
        const Item& item = items_[index];
        const bool same = encoding_name(item.encoding) == encoding_name(item.info->encoding);
        const bool is_block = item.encoding.kind == TensorEncoding::Kind::block;
        const bool was_block = item.tensor->info->encoding.kind == TensorEncoding::Kind::block;
        (is_block && (!same || !was_block) ? summary_.tensors_quantized : summary_.tensors_kept) += 1;
        if (is_block && same) return copy_blocks(index);
        if (!is_block) return write_plain(index, dtype_size(item.encoding.dtype));
        return write_quantized(index);
    }

    Result<void> write_sites() {
        if (!site_storage_) return {};
        size_t index = items_.size();
        for (const SiteTensor& tensor : site_storage_->tensors) {
            FP4_ASSIGN(const uint64_t bytes, write_site_tensor(*writer_, index++, tensor));
            stored_bytes_ += bytes;
        }
        return {};
    }

    // Calls visit(first, count) for pieces of whole rows.
    template <class Visit>
    Result<void> each_piece(const Item& item, const char* phase, Visit&& visit) {
        const uint64_t rows = item.info->rows(), row_bytes = 4 * item.info->row_length();
        const uint64_t piece = std::max<uint64_t>(1, piece_bytes / row_bytes);
        for (uint64_t first = 0; first < rows; first += piece) {
            FP4_TRY(job_.check());
            job_.report(phase, item.tensor->name, done_ + item.info->stored_bytes * first / rows, total_);
            FP4_TRY(visit(first, std::min(piece, rows - first)));
        }
        return {};
    }

    Result<void> read_f32(const Item& item, uint64_t first, uint64_t count) {
        values_.resize(count * item.info->row_length());
        return item.from->read_f32(*item.info, first, count, values_.data());
    }

    Result<void> copy_blocks(size_t index) {
        const Item& item = items_[index];
        const BlockFormat format = item.encoding.block;
        const uint64_t k = item.info->row_length();
        FP4_ASSIGN(float scale, item.from->tensor_scale(*item.info));
        FP4_TRY(writer_->set_tensor_scale(index, scale));
        return each_piece(item, "copying", [&](uint64_t first, uint64_t count) -> Result<void> {
            codes_.resize(count * row_code_bytes(format, k));
            scales_.resize(count * row_scales(format, k));
            FP4_TRY(item.from->read_block(*item.info, first, count, codes_.data(), scales_.data()));
            stored_bytes_ += codes_.size() + scales_.size();
            return writer_->write_rows(index, first, codes_, scales_);
        });
    }

    Result<void> write_plain(size_t index, size_t value_bytes) {
        const Item& item = items_[index];
        return each_piece(item, "copying", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(item, first, count));
            codes_.resize(values_.size() * value_bytes);
            encode_plain(item.encoding.dtype, values_, codes_.data());
            stored_bytes_ += codes_.size();
            return writer_->write_plain_rows(index, first, codes_);
        });
    }

    Result<void> write_quantized(size_t index) {
        const Item& item = items_[index];
        const uint64_t k = item.info->row_length();
        float amax = 0;
        // The tensor scale needs the largest magnitude of all rows first; reading twice keeps memory small.
        FP4_TRY(each_piece(item, "scanning", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(item, first, count));
            return scan_amax(item, first, count, amax);
        }));
        RowCodec codec(item.encoding.block, recipe_.rule, amax);
        FP4_TRY(writer_->set_tensor_scale(index, codec.tensor_scale()));
        return each_piece(item, "quantizing", [&](uint64_t first, uint64_t count) -> Result<void> {
            FP4_TRY(read_f32(item, first, count));
            codes_.resize(count * codec.code_bytes(k));
            scales_.resize(count * codec.scale_bytes(k));
            codec.quantize(*pool_, values_.data(), count, k, codes_.data(), scales_.data(), error_);
            stored_bytes_ += codes_.size() + scales_.size();
            return writer_->write_rows(index, first, codes_, scales_);
        });
    }

    Result<void> scan_amax(const Item& item, uint64_t first, uint64_t count, float& amax) {
        const uint64_t k = item.info->row_length();
        for (uint64_t row = 0; row < count; ++row) {
            float largest = row_amax(values_.data() + row * k, k);
            if (std::isnan(largest)) {
                return error(Status::format, request_.source, ": tensor '", item.info->name, "' row ",
                             first + row, " holds NaN or infinite values; it cannot be quantized");
            }
            amax = std::max(amax, largest);
        }
        return {};
    }

    const QuantizeRequest& request_;
    Recipe recipe_; // the request's, with the formats that were chosen
    JobControl& job_;
    ModelSource source_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<Fp4Writer> writer_;
    std::vector<Item> items_; // one per source tensor
    CalibrationText calibration_;
    std::unique_ptr<LearnedTransforms> learned_;
    std::unique_ptr<LayerFiles> layers_; // null for plain rounding
    std::vector<LayerSites> sites_;
    std::optional<SiteStorage> site_storage_;
    std::vector<std::string> reports_; // by layer, JSON
    std::vector<float> values_;
    std::vector<uint8_t> codes_, scales_;
    QuantizeSummary summary_;
    RoundingError error_;
    uint64_t done_ = 0, total_ = 0; // bytes read
    uint64_t stored_bytes_ = 0;     // of all tensors written
};

} // namespace

Result<void> check_request(const QuantizeRequest& request) {
    FP4_TRY(check_recipe(request.recipe));
    if (!request.recipe.is_plain() && !request.backend)
        return error(Status::internal, "recipe '", request.recipe.name, "' needs a device");
    if (request.recipe.needs_calibration() && request.calibration_text.empty()) {
        return error(
            Status::argument, "recipe '", request.recipe.name,
            "' looks at the inputs of the layers: give it a calibration text (--calib FILE), plain text or "
            "JSON lines with a \"text\" each");
    }
    return {};
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
    json.member("recipe", request.recipe.name);
    json.member("format", block_format_name(request.recipe.format));
    json.member("scale_rule", scale_name(request.recipe));
    json.member("bytes_in", summary.bytes_in);
    json.member("bytes_out", summary.bytes_out);
    json.member("weights", summary.weights);
    json.member("bits_per_weight", summary.bits_per_weight);
    json.member("seconds", summary.seconds);
    json.member("tensors_quantized", summary.tensors_quantized);
    json.member("tensors_kept", summary.tensors_kept);
    json.key("relative_error");
    summary.relative_error >= 0 ? json.value(summary.relative_error) : json.null();
    json.key("calibration_tokens");
    summary.calibration_tokens > 0 ? json.value(summary.calibration_tokens) : json.null();
    json.key("notes");
    json.begin_array();
    for (const std::string& note : summary.notes) json.value(note);
    json.end_array();
    json.end_object();
    return json.take();
}

} // namespace fp4
