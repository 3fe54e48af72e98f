// Memory and work budget of one render. Everything a template creates is owned here and freed together.
#pragma once

#include <memory>

#include "libfp4/base/result.h"
#include "libfp4/text/template/limits.h"
#include "libfp4/text/template/value.h"

namespace fp4::chat {

class Heap {
  public:
    Heap(const TemplateLimits& limits, std::string_view template_name)
        : limits_(limits), template_name_(template_name) {}
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    const TemplateLimits& limits() const { return limits_; }

    // The line that messages name; the evaluator keeps it current.
    int line = 1;

    // An error "template 'name' line N: ...".
    template <class... Parts>
    Error fail(const Parts&... parts) const {
        return fail_as(Status::format, parts...);
    }
    template <class... Parts>
    Error fail_as(Status status, const Parts&... parts) const {
        return error(status, "template '", template_name_, "' line ", line, ": ", concat(parts...));
    }
    Error undefined_error(const Value& value) const;

    // How deep evaluation is nested now; Nesting counts it.
    size_t call_depth = 0;

    // Work that the step count of the evaluator alone would not bound: searching, comparing, copying.
    Result<void> spend(size_t steps);
    Result<void> spend_bytes(size_t bytes) { return spend(bytes / 64); }

    Result<Value> text(std::string_view text, bool markup = false);
    // Extends `left` in place where it was the last text made, so that building a text piece by piece is
    // linear.
    Result<Value> joined(std::string_view left, std::string_view right, bool markup = false);
    Result<Value> undefined(std::string message);

    Result<Value> sequence(Kind kind, std::vector<Value> items);
    Result<Value> list(std::vector<Value> items) { return sequence(Kind::list, std::move(items)); }
    Result<Value> pair(const Value& first, const Value& second) {
        return sequence(Kind::tuple, {first, second});
    }
    Result<void> set(DictObject& dict, const Value& key, const Value& value);

    template <class T>
    Result<T*> make() {
        FP4_TRY(charge(sizeof(T) + sizeof(void*)));
        auto owned = std::make_unique<T>();
        T* object = owned.get();
        objects_.push_back(std::move(owned));
        return object;
    }
    Result<void> charge(size_t bytes);

  private:
    Result<char*> reserve_text(size_t size);

    const TemplateLimits& limits_;
    std::string_view template_name_;
    size_t steps_ = 0;
    size_t bytes_ = 0;
    std::vector<std::unique_ptr<Object>> objects_;
    std::vector<std::unique_ptr<char[]>> chunks_; // the last one is being filled
    char* text_end_ = nullptr;
    size_t text_room_ = 0;
};

// Guards a recursive evaluation: FP4_TRY(nesting.enter()) fails before the stack can run out.
class Nesting {
  public:
    explicit Nesting(Heap& heap) : heap_(heap) { ++heap_.call_depth; }
    ~Nesting() { --heap_.call_depth; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    Result<void> enter() const {
        if (heap_.call_depth <= heap_.limits().max_call_depth) return {};
        return heap_.fail_as(Status::limit, "evaluation is nested more than ", heap_.limits().max_call_depth,
                             " levels deep (does a macro call itself without end?)");
    }

  private:
    Heap& heap_;
};

} // namespace fp4::chat
