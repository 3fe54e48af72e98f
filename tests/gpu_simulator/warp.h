// 32 lanes that run a kernel's instructions together. Lanes that have parted are led together again by running
// those first that are furthest behind; collective instructions wait for the lanes that they name.
#pragma once

#include <cstring>
#include <deque>
#include <span>

#include "tests/gpu_simulator/device_memory.h"
#include "tests/gpu_simulator/instruction.h"

namespace fp4::gpu_simulator {

struct Dim {
    unsigned x = 1, y = 1, z = 1;
};

// What the lanes of all warps of a block see.
struct BlockView {
    GlobalMemory* global = nullptr;
    SharedMemory* shared = nullptr;
    std::vector<SharedMemory*> cluster; // shared memory of the cluster's blocks
    unsigned cluster_rank = 0;
    std::span<const uint8_t> parameters;
    Dim grid, size, index;
    bool overlaps = false; // begins before earlier kernels are done
};

// A function under way.
struct Frame {
    explicit Frame(const Function& f) : function(&f), registers(f.slots * slot_bytes) {}
    const Function* function;
    std::vector<uint8_t> registers;
    std::array<uint32_t, warp_size> at{}; // the next instruction of each lane
    uint32_t live = 0;                    // lanes that have not left
    uint32_t waiting = 0;                 // at a collective instruction
    size_t local_base = 0;
};

class Warp {
  public:
    enum class Pause : uint8_t { none, block_barrier, cluster_barrier, done };

    Warp(const Function& kernel, unsigned index) : index_(index), kernel_(kernel) {}

    void start(BlockView& block); // the first instruction of a new block
    Pause run();
    Pause pause() const { return pause_; }
    void resume() { pause_ = Pause::none; }

    // For steps: the lanes at hand and their registers.
    uint32_t lanes() const { return lanes_; }
    BlockView& block() { return *block_; }
    unsigned index() const { return index_; }
    template <class T>
    T get(uint32_t slot, int lane) const {
        const uint8_t* from = frame_->registers.data() + slot * slot_bytes + lane * (sizeof(T) == 8 ? 8 : 4);
        if constexpr (sizeof(T) == 2 || std::is_same_v<T, bool>) {
            uint32_t bits;
            std::memcpy(&bits, from, 4);
            return static_cast<T>(bits);
        } else {
            T value;
            std::memcpy(&value, from, sizeof value);
            return value;
        }
    }
    template <class T>
    void put(uint32_t slot, int lane, T value) {
        uint8_t* to = frame_->registers.data() + slot * slot_bytes + lane * (sizeof(T) == 8 ? 8 : 4);
        if constexpr (sizeof(T) == 2 || std::is_same_v<T, bool>) {
            const uint32_t bits = static_cast<std::conditional_t<std::is_same_v<T, bool>, uint32_t, uint16_t>>(value);
            std::memcpy(to, &bits, 4);
        } else {
            std::memcpy(to, &value, sizeof value);
        }
    }
    uint8_t* local(int lane, uint64_t address, size_t bytes);

    // Asynchronous copies into shared memory. They land when they are waited for, not earlier.
    struct Copy {
        uint32_t to;
        uint8_t bytes;
        std::array<uint8_t, 16> data;
    };
    struct CopyGroups {
        std::vector<Copy> open;
        std::deque<std::vector<Copy>> closed;
    };
    CopyGroups& copies(int lane) { return copies_[lane]; }
    void land(const std::vector<Copy>& group);

    bool overlaps = false;                     // has not waited for earlier kernels
    GlobalMemory::Range* last_range = nullptr; // a guess for the next access

  private:
    void enter(Frame& frame, uint32_t lanes);
    void run_frame(Frame& frame);
    uint32_t choose(Frame& frame, uint32_t& limit) const;
    void call(const Instruction& instruction, uint32_t lanes);
    [[noreturn]] void explain(const Frame& frame, const std::string& what) const;

    unsigned index_;
    const Function& kernel_;
    std::unique_ptr<Frame> bottom_;
    std::map<const Function*, std::unique_ptr<Frame>> callees_;
    Frame* frame_ = nullptr;
    BlockView* block_ = nullptr;
    uint32_t lanes_ = 0;
    Pause pause_ = Pause::none;
    std::vector<uint8_t> local_memory_; // [lane][bytes]
    std::array<CopyGroups, warp_size> copies_;
};

} // namespace fp4::gpu_simulator
