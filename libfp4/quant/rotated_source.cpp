#include "libfp4/quant/rotated_source.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "libfp4/quant/row_codec.h"
#include "libfp4/quant/transform/global_rotation.h"

namespace fp4 {
namespace {

// Every tensor is read from the original and rotated on the way. Tensors whose columns mix rows are rotated
// whole and kept until another one is read.
class RotatedCheckpoint final : public Checkpoint {
  public:
    RotatedCheckpoint(const ModelSource& original, GlobalRotation residual, GlobalRotation heads,
                      ThreadPool& pool)
        : original_(original), residual_(std::move(residual)), heads_(std::move(heads)), pool_(pool) {}

    // The tensor as it is called here; its slot says how it is rotated, from_role what it is made of.
    Result<const TensorInfo*> add(const TensorSlot& slot, const std::string& name, Role from_role) {
        const SourceTensor* from = original_.find(from_role, slot.layer);
        Entry entry{slot, from, {}};
        if (is_norm(slot.role) && reads_residual(slot.role)) {
            entry.vector.assign(slot.cols, 1.0f);
        } else if (const SourceTensor* norm = gain_of(slot)) {
            entry.vector.resize(norm->slot.cols);
            FP4_TRY(original_.checkpoint->read_f32(*norm->info, 0, 1, entry.vector.data()));
        }
        entries_.push_back(std::move(entry));
        TensorInfo info = *from->info;
        info.name = name;
        infos_.push_back(std::move(info));
        return &infos_.back();
    }
    void reserve(size_t tensors) { infos_.reserve(tensors); } // pointers into it are handed out

    const std::string& name() const override { return original_.checkpoint->name(); }
    const char* kind() const override { return original_.checkpoint->kind(); }
    const std::vector<TensorInfo>& tensors() const override { return infos_; }

    Result<void> read_f32(const TensorInfo& tensor, uint64_t first, uint64_t count,
                          float* target) const override {
        const Entry& entry = entry_of(tensor);
        const TensorSlot& slot = entry.slot;
        if (is_norm(slot.role) && !entry.vector.empty()) {
            std::ranges::copy(entry.vector, target);
            return {};
        }
        if (writes_residual(slot.role) || mixes_heads(slot.role)) {
            std::lock_guard lock(mutex_);
            FP4_TRY(rotate_whole(entry));
            const uint64_t columns = slot.rows == 1 ? 1 : slot.cols;
            const uint64_t length = slot.rows == 1 ? whole_.size() : count * columns;
            std::copy_n(whole_.begin() + static_cast<ptrdiff_t>(first * columns), length, target);
            return {};
        }
        FP4_TRY(original_.checkpoint->read_f32(*entry.from->info, first, count, target));
        if (reads_residual(slot.role)) {
            std::lock_guard lock(mutex_);
            rotate_input_side(residual_, target, count, slot.cols, entry.vector, pool_);
        }
        return {};
    }
    Result<void> read_plain(const TensorInfo& tensor, uint64_t first, uint64_t count,
                            uint8_t* target) const override {
        std::vector<float> values(count * tensor.row_length());
        FP4_TRY(read_f32(tensor, first, count, values.data()));
        encode_plain(tensor.encoding.dtype, values, target);
        return {};
    }
    Result<void> read_block(const TensorInfo& tensor, uint64_t, uint64_t, uint8_t*, uint8_t*) const override {
        return error(Status::unsupported, name(), ": tensor '", tensor.name,
                     "' is stored in blocks; rotations need the unquantized model");
    }
    Result<float> tensor_scale(const TensorInfo&) const override { return 1.0f; }
    std::span<const uint8_t> map_plain(const TensorInfo&) const override { return {}; }
    MappedBlocks map_block(const TensorInfo&) const override { return {}; }
    bool has_document(std::string_view document) const override {
        return original_.checkpoint->has_document(document);
    }
    Result<std::string> read_document(std::string_view document) const override {
        return original_.checkpoint->read_document(document);
    }
    std::vector<std::string> document_names() const override {
        return original_.checkpoint->document_names();
    }
    const GgufMetadata* gguf() const override { return original_.checkpoint->gguf(); }

  private:
    struct Entry {
        TensorSlot slot;
        const SourceTensor* from;
        std::vector<float> vector; // the gain of the norm before, or a norm's own ones
    };

    // Norms of the residual stream, and the matrices that read it.
    static bool reads_residual(Role role) {
        switch (role) {
            case Role::attention_norm:
            case Role::ffn_norm:
            case Role::final_norm:
            case Role::embedding:
            case Role::head:
            case Role::q:
            case Role::k:
            case Role::v:
            case Role::gate:
            case Role::up:
                return true;
            default:
                return false;
        }
    }
    static bool writes_residual(Role role) {
        return role == Role::o || role == Role::down || role == Role::o_bias || role == Role::down_bias;
    }
    static bool mixes_heads(Role role) { return role == Role::v || role == Role::v_bias; }

    const SourceTensor* gain_of(const TensorSlot& slot) const {
        switch (slot.role) {
            case Role::q:
            case Role::k:
            case Role::v:
                return original_.find(Role::attention_norm, slot.layer);
            case Role::gate:
            case Role::up:
                return original_.find(Role::ffn_norm, slot.layer);
            case Role::head:
                return original_.find(Role::final_norm);
            default:
                return nullptr;
        }
    }

    const Entry& entry_of(const TensorInfo& tensor) const {
        for (size_t i = 0; i < infos_.size(); ++i)
            if (infos_[i].name == tensor.name) return entries_[i];
        return entries_.front();
    }

    Result<void> rotate_whole(const Entry& entry) const {
        if (whole_of_ == &entry) return {};
        whole_of_ = nullptr;
        // A vector is a matrix of one column here.
        const bool vector = entry.slot.rows == 1;
        const size_t rows = vector ? entry.slot.cols : entry.slot.rows, cols = vector ? 1 : entry.slot.cols;
        whole_.resize(rows * cols);
        FP4_TRY(original_.checkpoint->read_f32(*entry.from->info, 0, entry.slot.rows, whole_.data()));
        if (entry.slot.role == Role::v)
            rotate_input_side(residual_, whole_.data(), rows, cols, entry.vector, pool_);
        if (entry.slot.role == Role::o) rotate_input_side(heads_, whole_.data(), rows, cols, {}, pool_);
        const GlobalRotation& out = mixes_heads(entry.slot.role) ? heads_ : residual_;
        rotate_output_side(out, whole_.data(), rows, cols, pool_);
        whole_of_ = &entry;
        return {};
    }

    ModelSource original_;
    GlobalRotation residual_, heads_;
    ThreadPool& pool_;
    std::vector<TensorInfo> infos_;
    std::deque<Entry> entries_; // by index of infos_
    mutable std::mutex mutex_;
    mutable std::vector<float> whole_;
    mutable const Entry* whole_of_ = nullptr;
};

} // namespace

Result<ModelSource> rotate_source(const ModelSource& source, uint64_t seed, ThreadPool& pool) {
    const ModelConfig& config = source.config;
    FP4_TRY(check_rotatable({.rms_norm = true, .post_norms = config.post_norms, .output_biases = false}));
    for (const SourceTensor& tensor : source.tensors) {
        if (tensor.info->encoding.kind == TensorEncoding::Kind::block)
            return error(Status::unsupported, source.checkpoint->name(), ": tensor '", tensor.name,
                         "' is quantized already; rotations need the unquantized model");
    }
    FP4_ASSIGN(GlobalRotation residual, make_rotation(config.hidden, RotationSigns::random, seed));
    FP4_ASSIGN(GlobalRotation heads, make_rotation(config.head_dim, RotationSigns::none, seed));
    auto checkpoint =
        std::make_shared<RotatedCheckpoint>(source, std::move(residual), std::move(heads), pool);
    ModelSource rotated;
    rotated.config = config;
    rotated.config.tied_head = false;
    const std::vector<TensorSlot> slots = tensor_slots(rotated.config);
    checkpoint->reserve(slots.size());
    for (const TensorSlot& slot : slots) {
        const bool tied = slot.role == Role::head && source.config.tied_head;
        const Role from = tied ? Role::embedding : slot.role;
        if (!source.find(from, slot.layer)) continue;
        std::string name = canonical_name(rotated.config, slot.role, slot.layer);
        FP4_ASSIGN(const TensorInfo* info, checkpoint->add(slot, name, from));
        rotated.tensors.push_back({slot, std::move(name), info});
    }
    rotated.sites = source.sites;
    rotated.checkpoint = std::move(checkpoint);
    return rotated;
}

} // namespace fp4
