// The part of the Unreal module that needs no engine, on a tiny model.
#include <cstdio>

#include "Fp4Speaker.h"

namespace {

int failures = 0;

void check(bool condition, const char* words) {
    if (!condition) {
        std::fprintf(stderr, "fails: %s\n", words);
        ++failures;
    }
}

std::string answer(Fp4Speaker& speaker, int& steps) {
    std::string text, error;
    while (speaker.Step(0, text, error)) ++steps; // the smallest steps
    check(error.empty(), "no error while speaking");
    check(!speaker.IsSpeaking(), "silent at the end");
    return text;
}

} // namespace

int main(int count, char** arguments) {
    std::string error;
    check(!Fp4Speaker::Open("/nowhere", "", error), "no speaker without a model");
    check(error.find("/nowhere") != std::string::npos, "the message names the file");
    if (count != 2) return 1;
    error.clear();
    auto speaker = Fp4Speaker::Open(arguments[1], "", error);
    check(speaker && error.empty(), "a speaker");
    if (!speaker) return 1;
    std::string text;
    check(!speaker->Step(1000, text, error) && text.empty(), "nothing to say before a question");
    int steps = 0;
    for (const char* question : {"Hello", "And again", "Once more"}) {
        check(speaker->Ask(question, error), "a question is taken");
        check(speaker->IsSpeaking(), "an answer is under way");
        check(!answer(*speaker, steps).empty(), "text comes");
    }
    check(steps > 3, "in steps");
    check(speaker->Ask("This is cut", error) && speaker->Ask("by this", error),
          "a new question ends the answer");
    check(!speaker->Ask(std::string(5000, 'x'), error), "a question that does not fit");
    check(error.find("tokens") != std::string::npos, "the message says so");
    check(speaker->Ask("Still there?", error), "afterwards it goes on");
    return failures == 0 ? 0 : 1;
}
