// Multiple-choice tasks: scores against logits read token by token, and what is refused.
#include "libfp4/quant/tasks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "libfp4/io/json_document.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;
using doctest::Approx;

namespace {

TasksRequest request_of(std::shared_ptr<const Model> model, std::string text) {
    TasksRequest request;
    request.model = std::move(model);
    request.text = std::move(text);
    request.threads = 1;
    return request;
}

TaskScores run(const TasksRequest& request) {
    NoControl control;
    auto scores = run_tasks(request, control);
    REQUIRE_MESSAGE(scores.ok(), scores.error().message);
    return *scores;
}

Error failure(const TasksRequest& request) {
    NoControl control;
    auto scores = run_tasks(request, control);
    REQUIRE(!scores.ok());
    return scores.error();
}

const Tokenizer& tokenizer_of(const Model& model) {
    auto tokenizer = model.require_tokenizer();
    REQUIRE(tokenizer.ok());
    return **tokenizer;
}

std::vector<int32_t> encode(const Model& model, const std::string& text) {
    auto tokens = tokenizer_of(model).encode(text, false, SpecialPolicy::none);
    REQUIRE(tokens.ok());
    return *tokens;
}

TaskTokens encode_item(const Model& model, const std::string& context, std::vector<std::string> choices) {
    auto tokens = encode_task_item(tokenizer_of(model), {"it", context, std::move(choices), 0});
    REQUIRE_MESSAGE(tokens.ok(), tokens.error().message);
    return *tokens;
}

// The plain way: one pass over context and choice from an empty cache for every row, softmax in double.
ChoiceScore expected_score(std::shared_ptr<const Model> model, const std::vector<int32_t>& context,
                           const std::vector<int32_t>& choice) {
    auto engine = make_context(model);
    std::vector<int32_t> all = context;
    all.insert(all.end(), choice.begin(), choice.end());
    REQUIRE(engine->eval({all.data(), all.size() - 1}, true).ok());
    std::vector<float> row(model->config.vocabulary);
    ChoiceScore score;
    for (size_t i = 0; i < choice.size(); ++i) {
        REQUIRE(engine->logits(context.size() - 1 + i, row).ok());
        double sum = 0;
        size_t best = 0;
        for (size_t token = 0; token < row.size(); ++token) {
            sum += std::exp(double(row[token]));
            if (row[token] > row[best]) best = token;
        }
        score.log_probability += double(row[static_cast<size_t>(choice[i])]) - std::log(sum);
        score.greedy = score.greedy && best == static_cast<size_t>(choice[i]);
    }
    return score;
}

std::string item_line(const std::string& context, const std::vector<std::string>& choices, size_t label) {
    std::string line = concat(R"({"id": "q", "context": ")", context, R"(", "choices": [)");
    for (size_t i = 0; i < choices.size(); ++i) line += concat(i ? ", " : "", '"', choices[i], '"');
    return line + concat("], \"label\": ", label, "}\n");
}

// With these the next token is the last one's successor, whatever came before: attention and MLP give
// nothing, embeddings point one way each, and the head of token t + 1 is the embedding of t times `gain`.
std::shared_ptr<const Model> successor_model(const TemporaryFolder& folder, float gain) {
    MadeShape shape;
    shape.hidden = shape.vocabulary; // one direction a token
    auto tensors = made_tensors(shape);
    for (MadeTensor& tensor : tensors) {
        if (tensor.shape.size() == 2) std::fill(tensor.values.begin(), tensor.values.end(), 0.0f);
    }
    const size_t n = shape.vocabulary;
    for (size_t t = 0; t < n; ++t) find_tensor(tensors, "model.embed_tokens.weight").values[t * n + t] = 100;
    MadeTensor head{"lm_head.weight", {n, n}, std::vector<float>(n * n)};
    // The final norm makes every vector sqrt(n) long.
    for (size_t t = 0; t + 1 < n; ++t) head.values[(t + 1) * n + t] = gain / std::sqrt(float(n));
    tensors.push_back(head);
    std::string config = made_config(shape);
    const size_t tied = config.find("\"tie_word_embeddings\"");
    REQUIRE(tied != std::string::npos);
    const size_t truth = config.find("true", tied);
    REQUIRE(truth != std::string::npos);
    config.replace(truth, 4, "false");
    write_model(folder / "successor", config, tensors);
    return load_model(folder / "successor");
}

} // namespace

TEST_CASE("choices score as their tokens do one by one") {
    auto model = load_model(golden_models() / "llama");
    NoControl control;
    auto scorer = TaskScorer::create(model, 100, Path::automatic, 1, control);
    REQUIRE(scorer.ok());
    for (const char* context : {"the man and the dog", "", "x"}) {
        CAPTURE(context);
        const TaskTokens tokens =
            encode_item(*model, context, {" the", "n", " then there was another word. The 77, the", " dog!"});
        auto scored = (*scorer)->score(tokens);
        REQUIRE(scored.ok());
        REQUIRE(scored->choices.size() == 4);
        for (size_t i = 0; i < 4; ++i) {
            CAPTURE(i);
            const ChoiceScore expected = expected_score(model, tokens.context, tokens.choices[i]);
            CHECK(scored->choices[i].log_probability == Approx(expected.log_probability).epsilon(1e-4));
            CHECK(scored->choices[i].greedy == expected.greedy);
        }
    }
}

TEST_CASE("values worked out by hand") {
    TemporaryFolder folder;
    // Logits after token t: 5 for t + 1, 0 for the 263 others.
    auto model = successor_model(folder, 5);
    const double rest = std::log(std::exp(5.0) + 263), successor = 5 - rest, other = -rest;
    NoControl control;
    auto scorer = TaskScorer::create(model, 20, Path::automatic, 1, control);
    REQUIRE(scorer.ok());
    auto scored = (*scorer)->score({{7, 40}, {{41, 42, 43}, {41, 9}, {41}, {50}}});
    REQUIRE(scored.ok());
    const double expected[] = {3 * successor, successor + other, successor, other};
    const bool greedy[] = {true, false, true, false};
    for (size_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        CHECK(scored->choices[i].log_probability == Approx(expected[i]).epsilon(1e-5));
        CHECK(scored->choices[i].greedy == greedy[i]);
    }
    CHECK((*scorer)->score({{7}, {{400}}}).error().message.find("vocabulary") != std::string::npos);
}

TEST_CASE("accuracies, errors and perplexity") {
    const std::vector<TaskItem> items = {{"a", "", {"1234", "12345678"}, 0},
                                         {"b", "", {"12", "34"}, 1},
                                         {"c", "", {"x"}, 0},
                                         {"d", "", {"y"}, 0}};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    // a: the sum says 0, per byte (-1 against -0.75) says 1. b: no answer.
    const std::vector<ItemScore> scores = {
        {{{-4, false}, {-6, false}}}, {{{nan, false}, {nan, false}}}, {{{-1, true}}}, {{{-3, false}}}};
    const TaskScores total = sum_up(items, scores);
    CHECK(total.items == 4);
    CHECK(total.single_choice_items == 2);
    CHECK(total.accuracy == Approx(0.5));
    CHECK(total.accuracy_norm == Approx(0.0));
    CHECK(total.standard_error == Approx(std::sqrt(0.25 / 3)));
    CHECK(total.perplexity == Approx(std::exp(2.0)));
    CHECK(best_choice({-2, -1, -1}) == size_t(1));
    CHECK(best_choice({nan, -9}) == size_t(1));
    CHECK(!best_choice({nan}));
    const TaskScores one = sum_up({items[1]}, {{{{-1, false}, {-1, false}}}});
    CHECK(std::isnan(one.standard_error));
    CHECK(std::isnan(one.perplexity));
    CHECK(std::isnan(sum_up({items[2]}, {scores[2]}).accuracy_norm));
}

TEST_CASE("tokens of context and choices") {
    auto model = load_model(golden_models() / "llama");
    const Tokenizer& tokenizer = tokenizer_of(*model);
    REQUIRE(tokenizer.bos());
    const int32_t bos = *tokenizer.bos();
    CHECK(encode_item(*model, "", {"the"}).context == std::vector<int32_t>{bos});
    CHECK(encode_item(*model, "", {"the man"}).choices[0] == encode(*model, "the man"));
    // White space at the end of a context belongs to the choices.
    const TaskTokens moved = encode_item(*model, "the man ", {"and", "dog"});
    const TaskTokens plain = encode_item(*model, "the man", {" and", " dog"});
    CHECK(moved.context == plain.context);
    CHECK(moved.choices == plain.choices);
    std::vector<int32_t> whole = plain.context;
    whole.insert(whole.end(), plain.choices[0].begin(), plain.choices[0].end());
    if (whole.front() == bos) whole.erase(whole.begin());
    CHECK(whole == encode(*model, "the man and"));
    // Only white space: as good as empty.
    CHECK(encode_item(*model, " \n", {"the"}).context == std::vector<int32_t>{bos});
}

TEST_CASE("long contexts lose their oldest tokens") {
    TaskTokens tokens{{1, 2, 3, 4, 5}, {{6}, {7, 8, 9}}};
    TaskTokens cut = tokens;
    CHECK(cut_context(cut, 7, true, "q").ok()); // 5 + 2 inputs fit
    CHECK(cut.context == tokens.context);
    CHECK(cut_context(cut, 6, false, "q").ok());
    CHECK(cut.context == std::vector<int32_t>{2, 3, 4, 5});
    cut = tokens;
    CHECK(cut_context(cut, 5, true, "q").ok());
    CHECK(cut.context == std::vector<int32_t>{1, 4, 5});
    cut = tokens;
    CHECK(cut_context(cut, 3, true, "q").ok());
    CHECK(cut.context == std::vector<int32_t>{5});
    cut = tokens;
    auto refused = cut_context(cut, 2, true, "q");
    REQUIRE(!refused.ok());
    CHECK(refused.error().status == Status::limit);
    CHECK(refused.error().message.find("'q'") != std::string::npos);

    // Through the whole: the model takes 128 tokens.
    auto model = load_model(golden_models() / "llama");
    std::string context;
    for (int i = 0; i < 200; ++i) context += concat("the ", i, ". ");
    CHECK(run(request_of(model, item_line(context, {"the man", "dog"}, 0))).items == 1);
    CHECK(failure(request_of(model, item_line("the", {context, "dog"}, 0))).status == Status::limit);
}

TEST_CASE("a whole task, from a text and from a file") {
    TemporaryFolder folder;
    auto model = load_model(golden_models() / "llama");
    const TaskTokens tokens = encode_item(*model, "the man", {" and", " dog", " was there"});
    std::vector<double> sums;
    for (const auto& choice : tokens.choices)
        sums.push_back(expected_score(model, tokens.context, choice).log_probability);
    const size_t best = *best_choice(sums);
    std::string text = "\n";
    for (size_t label = 0; label < 3; ++label) {
        text += item_line("the man", {" and", " dog", " was there"}, label) + " \r\n";
    }
    auto request = request_of(model, text);
    const TaskScores scores = run(request);
    CHECK(scores.items == 3);
    CHECK(scores.accuracy == Approx(1.0 / 3));
    CHECK(scores.accuracy_norm == Approx(1.0 / 3));
    CHECK(scores.path == "w16a16");
    CHECK(scores.task.empty());
    CHECK(scores.scored_tokens ==
          3 * (tokens.choices[0].size() + tokens.choices[1].size() + tokens.choices[2].size()));
    request.max_items = 1;
    CHECK(run(request).items == 1);
    CHECK(run(request).accuracy == (best == 0 ? 1 : 0));
    request.max_items = 100;
    CHECK(run(request).items == 3);

    request.text.clear();
    request.file = (folder / "some_task.jsonl").string();
    CHECK(failure(request).status == Status::not_found);
    write_text(request.file, text);
    const TaskScores from_file = run(request);
    CHECK(from_file.task == "some_task");
    CHECK(from_file.accuracy == scores.accuracy);

    auto json = parse_json(task_scores_to_json(from_file), "result");
    REQUIRE(json.ok());
    CHECK(json->find("perplexity")->is_null());
    CHECK(*json->find("task")->string() == "some_task");
    CHECK(*json->find("items")->unsigned_integer() == 3);
}

TEST_CASE("malformed items name file, line and key") {
    const std::string good = R"({"id": "a", "context": "", "choices": ["x"], "label": 0})";
    const std::pair<const char*, const char*> bad[] = {
        {"", "no item"},
        {"\n \n", "no item"},
        {"{", "line 1"},
        {"[1]", "object"},
        {R"({"context": "", "choices": ["x"], "label": 0})", "\"id\""},
        {R"({"id": 5, "context": "", "choices": ["x"], "label": 0})", "\"id\""},
        {R"({"id": "a", "choices": ["x"], "label": 0})", "\"context\""},
        {R"({"id": "a", "context": null, "choices": ["x"], "label": 0})", "\"context\""},
        {R"({"id": "a", "context": "", "label": 0})", "\"choices\""},
        {R"({"id": "a", "context": "", "choices": "x", "label": 0})", "\"choices\""},
        {R"({"id": "a", "context": "", "choices": [], "label": 0})", "\"choices\""},
        {R"({"id": "a", "context": "", "choices": ["x", 1], "label": 0})", "choice 1"},
        {R"({"id": "a", "context": "", "choices": ["x", ""], "label": 0})", "choice 1"},
        {R"({"id": "a", "context": "", "choices": ["x"]})", "\"label\""},
        {R"({"id": "a", "context": "", "choices": ["x"], "label": "0"})", "\"label\""},
        {R"({"id": "a", "context": "", "choices": ["x"], "label": 1})", "\"label\""},
        {R"({"id": "a", "context": "", "choices": ["x"], "label": -1})", "\"label\""},
        {R"({"id": "a", "context": "", "choices": ["x"], "label": 0.5})", "\"label\""},
        {"{\"id\": \"a\", \"context\": \"\xff\", \"choices\": [\"x\"], \"label\": 0}", "line 1"},
    };
    for (const auto& [line, word] : bad) {
        const std::string text = line; // clang 14 captures no structured binding
        CAPTURE(text);
        auto items = parse_task_items(text, "f.jsonl");
        REQUIRE(!items.ok());
        CHECK(items.error().message.find(word) != std::string::npos);
        CHECK(items.error().message.find("f.jsonl") != std::string::npos);
    }
    auto second = parse_task_items(good + "\n\n" + "{}", "f.jsonl");
    REQUIRE(!second.ok());
    CHECK(second.error().message.find("line 3") != std::string::npos);
    auto items = parse_task_items(good + "\r\n" + good, "f.jsonl");
    REQUIRE(items.ok());
    CHECK(items->size() == 2);
}

TEST_CASE("a cancelled task ends at once") {
    class CancelAt : public NoControl {
      public:
        explicit CancelAt(int looks) : looks_(looks) {}
        bool cancelled() const override { return looks_-- <= 0; }

      private:
        mutable int looks_;
    };
    auto model = load_model(golden_models() / "llama");
    auto request =
        request_of(model, item_line("the man", {" and", " dog"}, 0) + item_line("a", {" b", " c"}, 1));
    for (int looks : {0, 1, 3, 5, 8}) {
        CAPTURE(looks);
        CancelAt control(looks);
        auto scores = run_tasks(request, control);
        REQUIRE(!scores.ok());
        CHECK(scores.error().status == Status::cancelled);
    }
}
