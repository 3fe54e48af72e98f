// The kernels of one PTX text. Functions are decoded when they are first asked for.
#pragma once

#include <map>
#include <string>

#include "tests/gpu_simulator/instruction.h"
#include "tests/gpu_simulator/ptx_tokens.h"

namespace fp4::gpu_simulator {

class PtxModule {
  public:
    explicit PtxModule(std::string ptx);

    const Function& function(const std::string& name); // throws Fault

    // A variable of the module, or null.
    struct Variable {
        size_t bytes = 0, alignment = 1;
        bool shared = false, dynamic = false; // dynamic: shared memory whose size the launch gives
        std::vector<uint8_t> data;            // of others
    };
    const Variable* variable(std::string_view name) const;

    // Tokens of a function, from its parameters to the end of its body.
    struct Body {
        size_t first = 0, last = 0; // last: behind the closing brace
        bool kernel = false;
    };
    const std::vector<Token>& tokens() const { return tokens_; }

  private:
    size_t scan_variable(size_t at, const std::string& space);
    size_t scan_function(size_t at, bool kernel);

    std::string text_;
    std::vector<Token> tokens_;
    std::map<std::string, Body, std::less<>> bodies_;
    std::map<std::string, Variable, std::less<>> variables_;
    std::map<std::string, std::unique_ptr<Function>> functions_;
};

// Declared size of `.b8 name[n]`, `.u64 name` and the like.
size_t type_bytes(std::string_view type);

std::unique_ptr<Function> decode_function(PtxModule& module, const std::string& name,
                                          const PtxModule::Body& body);

} // namespace fp4::gpu_simulator
