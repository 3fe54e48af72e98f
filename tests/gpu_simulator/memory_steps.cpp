#include "tests/gpu_simulator/memory_steps.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/step_table.h"

namespace fp4::gpu_simulator {
namespace {

uint8_t* global(Warp& warp, uint64_t address, size_t bytes, const char* access, bool writes) {
    uint8_t* data = reinterpret_cast<uint8_t*>(address);
    auto place = [&] {
        return std::string(access) + " of " + std::to_string(bytes) + " bytes of global memory";
    };
    if (address % bytes) throw Fault(place() + ", not aligned");
    BlockView& block = warp.block();
    // Arguments that a kernel takes the address of.
    const auto& arguments = block.parameters;
    if (!writes && data >= arguments.data() && data + bytes <= arguments.data() + arguments.size())
        return data;
    GlobalMemory::Range* range = block.global->find(data, bytes, warp.last_range);
    if (!range) throw Fault(place() + ", outside of every allocation");
    warp.last_range = range;
    if (!writes && !warp.overlaps) return data;
    for (size_t word = (data - range->data) / 4; word <= (data - range->data + bytes - 1) / 4; ++word) {
        if (warp.overlaps && range->writer[word] >= block.global->unfinished &&
            range->writer[word] < block.global->kernel)
            throw Fault(place() + ", written by kernel " + std::to_string(range->writer[word]) +
                        ", before that one was waited for (by kernel " +
                        std::to_string(block.global->kernel) + ")");
        if (writes) range->writer[word] = block.global->kernel;
    }
    return data;
}

uint64_t address_of(Warp& warp, const Instruction& instruction, int lane) {
    if (instruction.base == no_slot) return instruction.offset;
    const bool narrow = instruction.space == Space::shared || instruction.space == Space::cluster;
    return (narrow ? warp.get<uint32_t>(instruction.base, lane)
                   : warp.get<uint64_t>(instruction.base, lane)) +
           instruction.offset;
}

// Generic addresses name their space.
Space space_of(Space space, uint64_t& address) {
    if (space != Space::generic) return space;
    if (address >= local_window) return address -= local_window, Space::local;
    if (address >= shared_window) return address -= shared_window, Space::shared;
    return Space::global;
}

SharedMemory& of_cluster(Warp& warp, uint64_t& address) {
    const size_t rank = address >> cluster_rank_shift;
    address &= (1u << cluster_rank_shift) - 1;
    if (rank >= warp.block().cluster.size()) throw Fault("an address of no block of the cluster");
    return *warp.block().cluster[rank];
}

// What a load has read, into its registers.
void put_elements(Warp& warp, const Instruction& instruction, int lane, const uint8_t* data) {
    for (int i = 0; i < instruction.elements; ++i) {
        uint64_t value = 0;
        std::memcpy(&value, data + i * instruction.bytes, instruction.bytes);
        if (instruction.sign) {
            const int unused = 64 - 8 * instruction.bytes;
            value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
        }
        if (instruction.wide >> i & 1)
            warp.put<uint64_t>(instruction.slot[i], lane, value);
        else
            warp.put<uint32_t>(instruction.slot[i], lane, static_cast<uint32_t>(value));
    }
}

template <AtomicOperation operation>
void atomic(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        uint64_t address = address_of(warp, instruction, lane);
        uint8_t* place = space_of(instruction.space, address) == Space::shared
                             ? warp.block().shared->atomic(address, instruction.bytes, warp.tracer())
                             : global(warp, address, instruction.bytes, "an atomic operation", true);
        auto change = [&]<class T>(T) {
            T before;
            std::memcpy(&before, place, sizeof before);
            const T value = warp.get<T>(instruction.slot[1], lane);
            const T after = operation == AtomicOperation::add       ? T(before + value)
                            : operation == AtomicOperation::minimum ? std::min(before, value)
                                                                    : std::max(before, value);
            std::memcpy(place, &after, sizeof after);
            warp.put<T>(instruction.slot[0], lane, before);
        };
        if (instruction.bytes == 8)
            change(uint64_t());
        else
            change(uint32_t());
    });
}

} // namespace

void load(Warp& warp, const Instruction& instruction) {
    const size_t bytes = size_t(instruction.bytes) * instruction.elements;
    each_lane(warp.lanes(), [&](int lane) {
        uint64_t address = address_of(warp, instruction, lane);
        std::array<uint8_t, 32> data;
        switch (space_of(instruction.space, address)) {
            case Space::shared:
                warp.block().shared->read(address, data.data(), bytes, warp.tracer());
                break;
            case Space::cluster:
                of_cluster(warp, address).read(address, data.data(), bytes, warp.tracer());
                break;
            case Space::local:
                std::memcpy(data.data(), warp.local(lane, address, bytes), bytes);
                break;
            default:
                std::memcpy(data.data(), global(warp, address, bytes, "a read", false), bytes);
        }
        put_elements(warp, instruction, lane, data.data());
    });
}

void store(Warp& warp, const Instruction& instruction) {
    const size_t bytes = size_t(instruction.bytes) * instruction.elements;
    each_lane(warp.lanes(), [&](int lane) {
        std::array<uint8_t, 32> data;
        for (int i = 0; i < instruction.elements; ++i) {
            const uint64_t value = instruction.wide >> i & 1 ? warp.get<uint64_t>(instruction.slot[i], lane)
                                                             : warp.get<uint32_t>(instruction.slot[i], lane);
            std::memcpy(data.data() + i * instruction.bytes, &value, instruction.bytes);
        }
        uint64_t address = address_of(warp, instruction, lane);
        switch (space_of(instruction.space, address)) {
            case Space::shared:
                warp.block().shared->write(address, data.data(), bytes, warp.tracer());
                break;
            case Space::cluster:
                of_cluster(warp, address).write(address, data.data(), bytes, warp.tracer());
                break;
            case Space::local:
                std::memcpy(warp.local(lane, address, bytes), data.data(), bytes);
                break;
            default:
                std::memcpy(global(warp, address, bytes, "a write", true), data.data(), bytes);
        }
    });
}

void load_parameter(Warp& warp, const Instruction& instruction) {
    const uint8_t* data = warp.block().parameters.data() + instruction.offset;
    each_lane(warp.lanes(), [&](int lane) { put_elements(warp, instruction, lane, data); });
}

Step atomic_step(AtomicOperation operation) {
    switch (operation) {
        case AtomicOperation::add:
            return atomic<AtomicOperation::add>;
        case AtomicOperation::minimum:
            return atomic<AtomicOperation::minimum>;
        case AtomicOperation::maximum:
            return atomic<AtomicOperation::maximum>;
    }
    return nullptr;
}

void copy_async(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        const uint32_t read =
            std::min<uint32_t>(warp.get<uint32_t>(instruction.slot[0], lane), instruction.bytes);
        const uint32_t to =
            warp.get<uint32_t>(instruction.slot[1], lane) + warp.get<uint32_t>(instruction.slot[2], lane);
        const uint64_t from = address_of(warp, instruction, lane);
        if (from % instruction.bytes) throw Fault("an asynchronous copy from an address that is not aligned");
        Warp::Copy copy{to, instruction.bytes, {}};
        // What is not read need not exist.
        for (uint32_t i = 0; i < read; i += 4)
            std::memcpy(copy.data.data() + i, global(warp, from + i, 4, "an asynchronous copy", false), 4);
        warp.block().shared->claim(to, instruction.bytes, warp.tracer());
        warp.copies(lane).open.push_back(copy);
    });
}

void close_copies(Warp& warp, const Instruction&) {
    each_lane(warp.lanes(), [&](int lane) {
        Warp::CopyGroups& groups = warp.copies(lane);
        groups.closed.push_back(std::exchange(groups.open, {}));
    });
}

void wait_copies(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        Warp::CopyGroups& groups = warp.copies(lane);
        const size_t left = instruction.offset < 0 ? 0 : instruction.offset;
        for (; groups.closed.size() > left; groups.closed.pop_front()) warp.land(groups.closed.front());
        if (instruction.offset < 0) warp.land(std::exchange(groups.open, {}));
    });
}

void wait_for_kernels(Warp& warp, const Instruction&) {
    warp.overlaps = false;
}

void to_cluster_address(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        const uint32_t address = warp.get<uint32_t>(instruction.slot[1], lane);
        warp.put<uint32_t>(instruction.slot[0], lane,
                           address | warp.get<uint32_t>(instruction.slot[2], lane) << cluster_rank_shift);
    });
}

} // namespace fp4::gpu_simulator
