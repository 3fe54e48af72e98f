// 32 lanes that run a kernel's instructions together. Lanes that have parted are led together again by
// running those first that are furthest behind; collective instructions wait for the lanes that they name.
#pragma once

#include <cstring>
#include <deque>
#include <map>
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
    explicit Frame(const Function& function);
    void move(uint32_t lanes, uint32_t to);

    const Function* function;
    std::vector<uint8_t> registers;
    std::array<uint32_t, warp_size> at{}; // the next instruction of each lane
    uint32_t live = 0;                    // lanes that have not left
    uint32_t waiting = 0;                 // at a collective instruction
    size_t local_base = 0;
};

// How a register holds a value. What is above 16 bits does not count.
template <class T>
struct Held {
    using type = T;
};
template <>
struct Held<bool> {
    using type = uint32_t;
};
template <>
struct Held<uint16_t> {
    using type = uint32_t;
};
template <>
struct Held<int16_t> {
    using type = uint32_t;
};
template <class T>
using InRegister = typename Held<T>::type;
template <class T>
using Lanes = std::array<T, warp_size>;

class Warp {
  public:
    enum class Pause : uint8_t { none, block_barrier, cluster_barrier, done };

    Warp(const Function& kernel, unsigned index);
    ~Warp();

    void start(BlockView& block); // the first instruction of a new block
    Pause run();
    Pause pause() const { return pause_; }
    void resume() { pause_ = Pause::none; }

    // For steps: the lanes at hand and their registers.
    uint32_t lanes() const { return lanes_; }
    BlockView& block() { return *block_; }
    // In traces of shared memory; the blocks of a cluster reach each other's.
    uint32_t tracer() const { return block_->cluster_rank * warp_size + index_; }
    template <class T>
    T get(uint32_t slot, int lane) const {
        InRegister<T> value;
        std::memcpy(&value, at(slot, lane * sizeof value), sizeof value);
        return static_cast<T>(value);
    }
    template <class T>
    void put(uint32_t slot, int lane, T value) {
        const auto wide = static_cast<InRegister<T>>(value);
        std::memcpy(at(slot, lane * sizeof wide), &wide, sizeof wide);
    }
    template <class T>
    Lanes<T> lanes_of(uint32_t slot) const {
        std::array<InRegister<T>, warp_size> values;
        std::memcpy(&values, at(slot, 0), sizeof values);
        Lanes<T> result;
        for (int lane = 0; lane < warp_size; ++lane) result[lane] = static_cast<T>(values[lane]);
        return result;
    }
    template <class T>
    void put_lanes(uint32_t slot, const Lanes<T>& results) {
        std::array<InRegister<T>, warp_size> values;
        std::memcpy(&values, at(slot, 0), sizeof values);
        for (int lane = 0; lane < warp_size; ++lane)
            values[lane] = lanes_ >> lane & 1 ? static_cast<InRegister<T>>(results[lane]) : values[lane];
        std::memcpy(at(slot, 0), &values, sizeof values);
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
    uint8_t* at(uint32_t slot, size_t byte) const {
        return frame_->registers.data() + slot * slot_bytes + byte;
    }
    void enter(Frame& frame, uint32_t lanes) const;
    enum class After : uint8_t { next, jumped, parted, paused };
    void run_frame(Frame& frame);
    bool run_group(Frame& frame, uint32_t group, uint32_t limit);
    uint32_t guarded(const Instruction& instruction) const;
    After advance(Frame& frame, const Instruction& instruction, uint32_t group, uint32_t at);
    After wait_for_others(Frame& frame, uint32_t group, uint32_t at) const;
    uint32_t choose(Frame& frame, uint32_t& limit) const;
    void call(const Instruction& instruction, uint32_t lanes);
    [[noreturn]] void explain(const Frame& frame, const std::string& what) const;

    unsigned index_;
    std::shared_ptr<Frame> bottom_; // the kernel's
    std::map<const Function*, std::unique_ptr<Frame>> callees_;
    Frame* frame_ = nullptr;
    BlockView* block_ = nullptr;
    uint32_t lanes_ = 0;
    Pause pause_ = Pause::none;
    std::vector<uint8_t> local_memory_; // [lane][bytes]
    std::array<CopyGroups, warp_size> copies_;
};

} // namespace fp4::gpu_simulator
