#include "tests/gpu_simulator/grid.h"

#include <algorithm>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {
namespace {

class Block {
  public:
    Block(const Launch& launch, GlobalMemory& memory)
        : shared_(launch.kernel->static_shared + launch.dynamic_shared) {
        const unsigned threads = launch.block.x * launch.block.y * launch.block.z;
        for (unsigned i = 0; i < (threads + warp_size - 1) / warp_size; ++i)
            warps_.emplace_back(*launch.kernel, i);
        view_.global = &memory;
        view_.shared = &shared_;
        view_.parameters = launch.parameters;
        view_.grid = launch.grid;
        view_.size = launch.block;
    }

    SharedMemory& shared() { return shared_; }

    void start(Dim index, unsigned rank, const std::vector<SharedMemory*>& cluster, bool overlaps) {
        shared_.reset();
        view_.index = index;
        view_.cluster_rank = rank;
        view_.cluster = cluster;
        view_.overlaps = overlaps;
        for (Warp& warp : warps_) warp.start(view_);
        backwards_ = false;
    }

    // Until its warps are done (true) or all wait for the cluster.
    bool run() {
        for (;;) {
            for (size_t i = 0; i < warps_.size(); ++i) {
                Warp& warp = warps_[backwards_ ? warps_.size() - 1 - i : i];
                if (warp.pause() == Warp::Pause::none) warp.run();
            }
            backwards_ = !backwards_;
            if (all(Warp::Pause::done)) return true;
            const bool block = all_or_done(Warp::Pause::block_barrier);
            if (!block && !all_or_done(Warp::Pause::cluster_barrier))
                throw Fault("warps of a block wait at different barriers");
            if (!block) return false;
            resume();
        }
    }

    void resume() {
        shared_.pass_barrier();
        for (Warp& warp : warps_)
            if (warp.pause() != Warp::Pause::done) warp.resume();
    }

  private:
    bool all(Warp::Pause pause) const {
        return std::ranges::all_of(warps_, [&](const Warp& warp) { return warp.pause() == pause; });
    }
    bool all_or_done(Warp::Pause pause) const {
        return std::ranges::all_of(warps_, [&](const Warp& warp) {
            return warp.pause() == pause || warp.pause() == Warp::Pause::done;
        });
    }

    SharedMemory shared_;
    BlockView view_;
    std::deque<Warp> warps_;
    bool backwards_ = false;
};

} // namespace

void run_grid(const Launch& launch, GlobalMemory& memory) {
    std::deque<Block> blocks; // of a cluster
    std::vector<SharedMemory*> cluster;
    for (unsigned i = 0; i < launch.cluster; ++i)
        cluster.push_back(&blocks.emplace_back(launch, memory).shared());
    for (unsigned z = 0; z < launch.grid.z; ++z)
        for (unsigned y = 0; y < launch.grid.y; ++y)
            for (unsigned x = 0; x < launch.grid.x; x += launch.cluster) {
                for (unsigned rank = 0; rank < launch.cluster; ++rank)
                    blocks[rank].start({x + rank, y, z}, rank, cluster, launch.overlaps);
                for (;;) {
                    size_t done = 0;
                    for (Block& block : blocks) done += block.run();
                    if (done == blocks.size()) break;
                    if (done != 0) throw Fault("blocks of a cluster leave while others wait for them");
                    for (Block& block : blocks) block.resume();
                }
            }
}

} // namespace fp4::gpu_simulator
