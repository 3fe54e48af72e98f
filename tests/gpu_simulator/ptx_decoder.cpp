// PTX ISA 9.0, as far as nvcc makes it of this project's kernels: what it does not know is a Fault that names
// it.
#include <set>

#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/ptx_opcodes.h"

namespace fp4::gpu_simulator {
namespace {

class Decoder {
  public:
    Decoder(PtxModule& module, Function& function, const PtxModule::Body& body)
        : module_(module),
          tokens_(module.tokens()),
          function_(function),
          body_(body),
          names_(module, function) {}

    void run() {
        names_.open_scope();
        lay_out_shared();
        at_ = body_.first;
        header();
        statements();
        for (const auto& [instruction, label] : jumps_) {
            const auto found = labels_.find(label);
            if (found == labels_.end()) throw Fault("no label " + std::string(label));
            function_.code[instruction].target = found->second;
        }
    }

  private:
    std::string_view text() const { return tokens_[at_].text; }
    std::string_view take() { return tokens_[at_++].text; }
    bool take_if(std::string_view expected) {
        if (text() != expected) return false;
        ++at_;
        return true;
    }
    void expect(std::string_view expected) {
        if (!take_if(expected))
            throw Fault("PTX line " + std::to_string(tokens_[at_].line) + ": '" + std::string(expected) +
                        "' expected, found '" + std::string(text()) + "'");
    }

    // Shared variables of the module and of the function that the function names, in their order.
    void lay_out_shared() {
        std::set<std::string_view> seen;
        std::vector<std::string_view> dynamic;
        for (size_t i = body_.first; i < body_.last; ++i) {
            const std::string_view name = tokens_[i].text;
            const PtxModule::Variable* variable = module_.variable(name);
            if (name == ".shared") {
                const Declaration declared = declaration(i + 1);
                names_.place_shared(declared.name, declared.bytes, declared.alignment);
            } else if (variable && variable->shared && seen.insert(name).second) {
                if (variable->dynamic)
                    dynamic.push_back(name);
                else
                    names_.place_shared(name, variable->bytes, variable->alignment);
            }
        }
        for (std::string_view name : dynamic) names_.place_dynamic_shared(name);
    }

    struct Declaration {
        std::string_view name, type;
        size_t bytes = 0, alignment = 1, next = 0; // next: the token behind it
    };
    // [.align n] .type name[bytes], up to `;`, `,` or `)`.
    Declaration declaration(size_t at) const {
        Declaration made;
        size_t count = 1;
        for (;; ++at) {
            const std::string_view token = tokens_[at].text;
            if (token == ";" || token == "," || token == ")") break;
            if (token == ".align")
                made.alignment = std::stoul(std::string(tokens_[++at].text));
            else if (token == ".ptr")
                continue;
            else if (token.starts_with('.'))
                made.type = token;
            else if (token == "[")
                count = std::stoul(std::string(tokens_[++at].text)), ++at;
            else
                made.name = token;
        }
        made.bytes = count * type_bytes(made.type);
        made.next = at;
        return made;
    }

    void header() {
        auto list = [&](std::vector<Function::Parameter>& parameters) {
            size_t end = 0;
            while (!take_if(")")) {
                take_if(",");
                expect(".param");
                const Declaration declared = declaration(at_);
                at_ = declared.next;
                Function::Parameter parameter;
                parameter.bytes = declared.bytes;
                const size_t alignment =
                    std::max(declared.alignment, std::min<size_t>(type_bytes(declared.type), 8));
                parameter.offset = end = (end + alignment - 1) / alignment * alignment;
                end += declared.bytes;
                if (body_.kernel) {
                    names_.place_parameter(declared.name, parameter.offset);
                } else {
                    if (declared.bytes > 8) throw Fault("a function that takes a structure");
                    parameter.wide = declared.bytes == 8;
                    parameter.slot = names_.declare(declared.name, parameter.wide).slot;
                }
                parameters.push_back(parameter);
            }
            return end;
        };
        if (take_if("(")) list(function_.results);
        take(); // the name
        if (take_if("(")) function_.parameter_bytes = list(function_.parameters);
        for (; text() != "{"; ++at_)
            if (text() == ".maxntid") function_.max_threads = std::stoul(std::string(tokens_[at_ + 1].text));
    }

    void statements() {
        for (int depth = 0;;) {
            const std::string_view token = text();
            if (token == "{") {
                ++at_, ++depth;
                names_.open_scope();
            } else if (token == "}") {
                ++at_;
                names_.close_scope();
                if (--depth == 0) break;
            } else if (token == ".reg") {
                ++at_;
                registers();
            } else if (token == ".shared") {
                at_ = declaration(at_ + 1).next + 1; // laid out already
            } else if (token == ".local") {
                const Declaration declared = declaration(at_ + 1);
                names_.place_local(declared.name, declared.bytes);
                at_ = declared.next + 1;
            } else if (token == ".param") {
                const Declaration declared = declaration(at_ + 1);
                if (declared.bytes > 8) throw Fault("a call with a structure");
                names_.declare(declared.name, declared.bytes == 8);
                at_ = declared.next + 1;
            } else if (token.starts_with('.')) { // .loc, .pragma: a line
                for (const uint32_t line = tokens_[at_].line; tokens_[at_].line == line;) ++at_;
            } else if (tokens_[at_ + 1].text == ":") {
                labels_[token] = static_cast<uint32_t>(function_.code.size());
                at_ += 2;
            } else {
                instruction();
            }
        }
        // A body may end without `ret`.
        Instruction end;
        end.control = Control::leave;
        function_.code.push_back(end);
    }

    void registers() {
        const std::string_view type = take();
        const bool wide = type_bytes(type) == 8;
        do {
            const std::string name(take());
            if (take_if("<")) {
                const unsigned count = std::stoul(std::string(take()));
                expect(">");
                for (unsigned i = 0; i < count; ++i) names_.declare(name + std::to_string(i), wide);
            } else {
                names_.declare(name, wide);
            }
        } while (take_if(","));
        expect(";");
    }

    Operand operand() {
        Operand made;
        auto name = [&] {
            if (take_if("-")) {
                const std::string_view digits = take();
                return std::string_view(digits.data() - 1, digits.size() + 1);
            }
            return take();
        };
        if (take_if("{")) {
            do made.names.push_back(name());
            while (take_if(","));
            expect("}");
        } else if (take_if("[")) {
            made.names.push_back(name());
            while (take_if("+")) made.offset += static_cast<int64_t>(ptx_number(name()));
            expect("]");
        } else {
            made.names.push_back(name());
            if (take_if("|")) made.names.push_back(name());
        }
        return made;
    }

    void instruction() {
        Instruction made;
        made.line = tokens_[at_].line;
        if (take_if("@")) {
            made.guard_inverted = take_if("!");
            made.guard = names_.source(take(), false);
        }
        const std::string_view opcode = take();
        if (opcode == "call" || opcode.starts_with("call.")) return call(made);
        std::vector<Operand> operands;
        if (!take_if(";")) {
            do operands.push_back(operand());
            while (take_if(","));
            expect(";");
        }
        try {
            if (!decode_opcode(made, opcode, operands, names_)) return;
        } catch (const Fault& fault) {
            throw Fault(std::string(fault.what()) + "\n  in " + std::string(opcode) + ", line " +
                        std::to_string(made.line) + " of the PTX of " + function_.name);
        }
        if (made.control == Control::branch) jumps_.emplace_back(function_.code.size(), operands[0].names[0]);
        function_.code.push_back(made);
    }

    // call.uni (result), function, (arguments);
    void call(Instruction& made) {
        std::vector<std::string_view> results, arguments;
        auto list = [&](std::vector<std::string_view>& names) {
            while (!take_if(")")) {
                take_if(",");
                names.push_back(take());
            }
        };
        if (take_if("(")) {
            list(results);
            expect(",");
        }
        const std::string name(take());
        if (take_if(",")) {
            expect("(");
            list(arguments);
        }
        expect(";");
        made.control = Control::call;
        made.callee = &module_.function(name);
        if (made.callee->static_shared) throw Fault("a function with shared memory of its own: " + name);
        size_t next = 0;
        for (std::string_view argument : arguments) made.slot[next++] = names_.destination(argument);
        for (std::string_view result : results) made.slot[next++] = names_.destination(result);
        function_.code.push_back(made);
    }

    PtxModule& module_;
    const std::vector<Token>& tokens_;
    Function& function_;
    const PtxModule::Body& body_;
    PtxNames names_;
    size_t at_ = 0;
    std::map<std::string_view, uint32_t> labels_;
    std::vector<std::pair<size_t, std::string_view>> jumps_;
};

} // namespace

std::unique_ptr<Function> decode_function(PtxModule& module, const std::string& name,
                                          const PtxModule::Body& body) {
    auto function = std::make_unique<Function>();
    function->name = name;
    Decoder(module, *function, body).run();
    return function;
}

} // namespace fp4::gpu_simulator
