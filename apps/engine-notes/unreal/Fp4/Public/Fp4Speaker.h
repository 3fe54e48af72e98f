// A character that talks, in plain C++17 over fp4.h: no type of the engine, so that it can be tested without
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct fp4_model;
struct fp4_ctx;
struct fp4_gen;

struct Fp4Message {
    const char* Role;
    std::string Content;
};

class Fp4Speaker {
  public:
    // Null after a failure; Error then says why.
    static std::unique_ptr<Fp4Speaker> Open(const std::string& ModelPath, const std::string& Persona,
                                            std::string& Error);
    ~Fp4Speaker();
    Fp4Speaker(const Fp4Speaker&) = delete;
    Fp4Speaker& operator=(const Fp4Speaker&) = delete;

    // Begins an answer; one under way ends. What was said before stays in the context.
    bool Ask(const std::string& Question, std::string& Error);
    // Works for about BudgetUs and appends the text that came. False at the end of the answer, and after a
    // failure.
    bool Step(uint64_t BudgetUs, std::string& Text, std::string& Error);
    bool IsSpeaking() const { return Generation != nullptr; }

  private:
    Fp4Speaker() = default;
    bool Begin(std::string& Error);
    void Finish();

    std::vector<Fp4Message> Conversation;
    std::string Answer; // so far
    fp4_model* Model = nullptr;
    fp4_ctx* Context = nullptr;
    fp4_gen* Generation = nullptr;
};
