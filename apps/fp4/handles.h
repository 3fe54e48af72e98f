#pragma once

#include <fp4.h>

#include <memory>

namespace fp4::program {

/// Closes a handle of the library with the function that belongs to it.
template <auto close>
struct Closer {
    template <class T>
    void operator()(T* handle) const {
        close(handle);
    }
};

using Model = std::unique_ptr<fp4_model, Closer<fp4_model_close>>;
using Context = std::unique_ptr<fp4_ctx, Closer<fp4_ctx_close>>;
using Generation = std::unique_ptr<fp4_gen, Closer<fp4_gen_close>>;
using Job = std::unique_ptr<fp4_job, Closer<fp4_job_close>>;

} // namespace fp4::program
