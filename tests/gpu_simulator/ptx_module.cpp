#include "tests/gpu_simulator/ptx_module.h"

#include <cctype>
#include <cstring>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {

size_t type_bytes(std::string_view type) {
    if (type.ends_with("pred")) return 4;
    size_t digits = type.size();
    while (digits > 0 && std::isdigit(static_cast<unsigned char>(type[digits - 1]))) --digits;
    if (digits == type.size()) throw Fault("no type: " + std::string(type));
    return std::stoul(std::string(type.substr(digits))) / 8;
}

PtxModule::PtxModule(std::string ptx) : text_(std::move(ptx)), tokens_(tokenize(text_)) {
    for (size_t i = 0; i < tokens_.size();) {
        const std::string_view text = tokens_[i].text;
        if (text == ".entry" || text == ".func")
            i = scan_function(i + 1, text == ".entry");
        else if (text == ".shared" || text == ".global" || text == ".const")
            i = scan_variable(i + 1, std::string(text));
        else
            ++i; // .version, .target, linkage and the like need no care
    }
}

// .align N .type name[n] = {...};
size_t PtxModule::scan_variable(size_t at, const std::string& space) {
    Variable variable;
    variable.shared = space == ".shared";
    std::string_view type, name;
    size_t count = 1;
    for (; tokens_[at].text != ";"; ++at) {
        const std::string_view text = tokens_[at].text;
        if (text == ".align")
            variable.alignment = std::stoul(std::string(tokens_[++at].text));
        else if (text.starts_with('.'))
            type = text;
        else if (text == "[") {
            if (tokens_[at + 1].text == "]")
                variable.dynamic = true;
            else
                count = std::stoul(std::string(tokens_[++at].text));
        } else if (text == "=") {
            const size_t element = type_bytes(type);
            for (++at; tokens_[at].text != ";"; ++at) {
                if (!std::isdigit(static_cast<unsigned char>(tokens_[at].text[0]))) continue;
                const uint64_t value = std::stoull(std::string(tokens_[at].text), nullptr, 0);
                const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
                variable.data.insert(variable.data.end(), bytes, bytes + element);
            }
            break;
        } else if (text != "]")
            name = text;
    }
    variable.bytes = count * type_bytes(type);
    if (!variable.shared) variable.data.resize(variable.bytes);
    variables_[std::string(name)] = std::move(variable);
    return at + 1;
}

size_t PtxModule::scan_function(size_t at, bool kernel) {
    Body body;
    body.first = at;
    body.kernel = kernel;
    auto skip_parentheses = [&] {
        while (tokens_[at].text != ")") ++at;
        ++at;
    };
    if (tokens_[at].text == "(") skip_parentheses(); // what it returns
    const std::string name(tokens_[at++].text);
    if (tokens_[at].text == "(") skip_parentheses();
    while (tokens_[at].text != "{" && tokens_[at].text != ";") ++at;
    if (tokens_[at].text == ";") return at + 1; // a declaration
    for (int depth = 0;; ++at) {
        if (tokens_[at].text == "{") ++depth;
        if (tokens_[at].text == "}" && --depth == 0) break;
    }
    body.last = at + 1;
    bodies_[name] = body;
    return body.last;
}

const PtxModule::Variable* PtxModule::variable(std::string_view name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? nullptr : &found->second;
}

const Function& PtxModule::function(const std::string& name) {
    std::unique_ptr<Function>& function = functions_[name];
    if (function) return *function;
    const auto body = bodies_.find(name);
    if (body == bodies_.end()) throw Fault("no function " + name + " in the PTX");
    function = decode_function(*this, name, body->second);
    return *function;
}

} // namespace fp4::gpu_simulator
