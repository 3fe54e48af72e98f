/* As much of Godot as the extension Fp4Npc needs: loads it, registers its class, and calls its methods as
 * GDScript would. Arguments: the extension, a model. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/engine-notes/godot/gdextension_subset.h"

#define CHECK(condition)                                                  \
    do {                                                                  \
        if (!(condition)) {                                               \
            fprintf(stderr, "line %d: %s fails\n", __LINE__, #condition); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

/* String and StringName: a pointer to terminated text. */
typedef struct {
    char* text;
} string;

typedef struct {
    GDExtensionVariantType type;
    union {
        string text;
        int64_t number;
        GDExtensionBool truth;
    } is;
} variant;

static int live_strings, live_objects, methods_registered;
static GDExtensionClassCreationInfo2 class_info;
static GDExtensionClassInstancePtr last_instance;
static struct {
    char name[32];
    GDExtensionClassMethodInfo info;
} methods[8];

static void string_new(GDExtensionStringPtr to, const char* text, GDExtensionInt bytes) {
    string* made = to;
    made->text = calloc(1, (size_t)bytes + 1);
    memcpy(made->text, text, (size_t)bytes);
    ++live_strings;
}

static GDExtensionInt string_to_utf8(GDExtensionConstStringPtr from, char* text, GDExtensionInt capacity) {
    const char* own = ((const string*)from)->text;
    const GDExtensionInt bytes = (GDExtensionInt)strlen(own);
    if (text) memcpy(text, own, (size_t)(bytes < capacity ? bytes : capacity));
    return bytes;
}

static void name_new(GDExtensionStringNamePtr to, const char* text, GDExtensionBool is_static) {
    CHECK(!is_static);
    string_new(to, text, (GDExtensionInt)strlen(text));
}

static void string_free(GDExtensionTypePtr base) {
    free(((string*)base)->text);
    --live_strings;
}

static GDExtensionPtrDestructor get_destructor(GDExtensionVariantType type) {
    CHECK(type == GDEXTENSION_VARIANT_TYPE_STRING || type == GDEXTENSION_VARIANT_TYPE_STRING_NAME);
    return string_free;
}

static void variant_of_string(GDExtensionVariantPtr to, GDExtensionTypePtr from) {
    variant* made = to;
    made->type = GDEXTENSION_VARIANT_TYPE_STRING;
    string_new(&made->is.text, ((string*)from)->text, (GDExtensionInt)strlen(((string*)from)->text));
}

static void variant_of_bool(GDExtensionVariantPtr to, GDExtensionTypePtr from) {
    variant* made = to;
    made->type = GDEXTENSION_VARIANT_TYPE_BOOL;
    made->is.truth = *(GDExtensionBool*)from;
}

static GDExtensionVariantFromTypeConstructorFunc get_from_type(GDExtensionVariantType type) {
    return type == GDEXTENSION_VARIANT_TYPE_BOOL ? variant_of_bool : variant_of_string;
}

static void string_of_variant(GDExtensionTypePtr to, GDExtensionVariantPtr from) {
    const variant* given = from;
    CHECK(given->type == GDEXTENSION_VARIANT_TYPE_STRING);
    string_new(to, given->is.text.text, (GDExtensionInt)strlen(given->is.text.text));
}

static void int_of_variant(GDExtensionTypePtr to, GDExtensionVariantPtr from) {
    CHECK(((const variant*)from)->type == GDEXTENSION_VARIANT_TYPE_INT);
    *(int64_t*)to = ((const variant*)from)->is.number;
}

static GDExtensionTypeFromVariantConstructorFunc get_to_type(GDExtensionVariantType type) {
    return type == GDEXTENSION_VARIANT_TYPE_INT ? int_of_variant : string_of_variant;
}

static GDExtensionVariantType type_of(GDExtensionConstVariantPtr given) {
    return ((const variant*)given)->type;
}

static GDExtensionObjectPtr construct(GDExtensionConstStringNamePtr name) {
    CHECK(!strcmp(((const string*)name)->text, "RefCounted"));
    ++live_objects;
    return &live_objects;
}

static void set_instance(GDExtensionObjectPtr object, GDExtensionConstStringNamePtr name,
                         GDExtensionClassInstancePtr instance) {
    CHECK(object == &live_objects && !strcmp(((const string*)name)->text, "Fp4Npc"));
    last_instance = instance;
}

static void register_class(GDExtensionClassLibraryPtr library, GDExtensionConstStringNamePtr name,
                           GDExtensionConstStringNamePtr parent, const GDExtensionClassCreationInfo2* info) {
    CHECK(library == &class_info && !strcmp(((const string*)name)->text, "Fp4Npc"));
    CHECK(!strcmp(((const string*)parent)->text, "RefCounted") && info->is_exposed);
    class_info = *info;
}

static void register_method(GDExtensionClassLibraryPtr library, GDExtensionConstStringNamePtr name,
                            const GDExtensionClassMethodInfo* info) {
    CHECK(library == &class_info && !strcmp(((const string*)name)->text, "Fp4Npc"));
    snprintf(methods[methods_registered].name, sizeof methods->name, "%s", ((string*)info->name)->text);
    methods[methods_registered++].info = *info;
}

static void unregister_class(GDExtensionClassLibraryPtr library, GDExtensionConstStringNamePtr name) {
    CHECK(library == &class_info && !strcmp(((const string*)name)->text, "Fp4Npc"));
    methods_registered = 0;
}

static int without_register_class;

static GDExtensionInterfaceFunctionPtr get_function(const char* name) {
    static const struct {
        const char* name;
        GDExtensionInterfaceFunctionPtr function;
    } known[] = {
        {"string_new_with_utf8_chars_and_len", (GDExtensionInterfaceFunctionPtr)string_new},
        {"string_to_utf8_chars", (GDExtensionInterfaceFunctionPtr)string_to_utf8},
        {"string_name_new_with_latin1_chars", (GDExtensionInterfaceFunctionPtr)name_new},
        {"variant_get_ptr_destructor", (GDExtensionInterfaceFunctionPtr)get_destructor},
        {"get_variant_from_type_constructor", (GDExtensionInterfaceFunctionPtr)get_from_type},
        {"get_variant_to_type_constructor", (GDExtensionInterfaceFunctionPtr)get_to_type},
        {"variant_get_type", (GDExtensionInterfaceFunctionPtr)type_of},
        {"classdb_construct_object", (GDExtensionInterfaceFunctionPtr)construct},
        {"object_set_instance", (GDExtensionInterfaceFunctionPtr)set_instance},
        {"classdb_register_extension_class2", (GDExtensionInterfaceFunctionPtr)register_class},
        {"classdb_register_extension_class_method", (GDExtensionInterfaceFunctionPtr)register_method},
        {"classdb_unregister_extension_class", (GDExtensionInterfaceFunctionPtr)unregister_class},
    };
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known; ++i) {
        if (without_register_class && strstr(name, "register_extension_class2")) return NULL;
        if (!strcmp(known[i].name, name)) return known[i].function;
    }
    return NULL;
}

static const GDExtensionClassMethodInfo* find(const char* name) {
    int i;
    for (i = 0; i < methods_registered; ++i) {
        if (!strcmp(methods[i].name, name)) return &methods[i].info;
    }
    CHECK(!"a method of this name");
    return NULL;
}

/* A call of typed GDScript. */
static void call(const char* name, const void* first, const void* second, void* result) {
    const GDExtensionClassMethodInfo* method = find(name);
    const GDExtensionConstTypePtr arguments[2] = {first, second};
    method->ptrcall_func(method->method_userdata, last_instance, arguments, result);
}

/* A call of untyped GDScript. */
static GDExtensionCallError call_variants(const char* name, const variant* arguments, GDExtensionInt count,
                                          variant* result) {
    const GDExtensionClassMethodInfo* method = find(name);
    GDExtensionConstVariantPtr pointers[3] = {&arguments[0], &arguments[1], &arguments[2]};
    GDExtensionCallError error = {GDEXTENSION_CALL_OK, 0, 0};
    method->call_func(method->method_userdata, last_instance, pointers, count, result, &error);
    return error;
}

static string text_of(const char* text) {
    string made;
    string_new(&made, text, (GDExtensionInt)strlen(text));
    return made;
}

static void check_typed(const char* model) {
    string path = text_of(model), nowhere = text_of("/nowhere"), persona = text_of("A keeper."),
           question = text_of("Hi");
    string result;
    GDExtensionBool more = 1;
    int64_t budget = 0; /* the smallest steps, so that their number does not depend on the machine */
    int steps = 0;
    call("ask", &question, NULL, &result);
    CHECK(strstr(result.text, "no model is open"));
    string_free(&result);
    call("open", &nowhere, &persona, &result);
    CHECK(strstr(result.text, "/nowhere"));
    string_free(&result);
    call("step", &budget, NULL, &more);
    CHECK(!more);
    call("open", &path, &persona, &result);
    CHECK(!strcmp(result.text, ""));
    string_free(&result);
    call("ask", &question, NULL, &result);
    CHECK(!strcmp(result.text, ""));
    string_free(&result);
    for (more = 1; more; ++steps) call("step", &budget, NULL, &more);
    CHECK(steps > 1);
    call("text", NULL, NULL, &result);
    CHECK(strlen(result.text) > 0);
    printf("%d steps, %lu bytes of text\n", steps, (unsigned long)strlen(result.text));
    string_free(&result);
    string_free(&path);
    string_free(&nowhere);
    string_free(&persona);
    string_free(&question);
}

static void check_untyped(void) {
    variant question = {GDEXTENSION_VARIANT_TYPE_STRING, {{NULL}}},
            number = {GDEXTENSION_VARIANT_TYPE_INT, {{NULL}}};
    variant result = {GDEXTENSION_VARIANT_TYPE_NIL, {{NULL}}};
    const variant* const nothing = &result;
    GDExtensionCallError error;
    question.is.text = text_of("Again");
    number.is.number = 0;
    CHECK(call_variants("ask", &question, 1, &result).error == GDEXTENSION_CALL_OK);
    CHECK(result.type == GDEXTENSION_VARIANT_TYPE_STRING && !strcmp(result.is.text.text, ""));
    string_free(&result.is.text);
    CHECK(call_variants("step", &number, 1, &result).error == GDEXTENSION_CALL_OK);
    CHECK(result.type == GDEXTENSION_VARIANT_TYPE_BOOL && result.is.truth);
    error = call_variants("ask", &number, 1, &result);
    CHECK(error.error == GDEXTENSION_CALL_ERROR_INVALID_ARGUMENT && error.argument == 0);
    CHECK(error.expected == GDEXTENSION_VARIANT_TYPE_STRING);
    CHECK(call_variants("ask", nothing, 0, &result).error == GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS);
    CHECK(call_variants("text", &number, 1, &result).error == GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS);
    string_free(&question.is.text);
}

int main(int count, char** arguments) {
    GDExtensionBool (*init)(GDExtensionInterfaceGetProcAddress, GDExtensionClassLibraryPtr,
                            GDExtensionInitialization*);
    GDExtensionInitialization how;
    void* extension = count == 3 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (!extension) {
        fprintf(stderr, "usage: godot_host EXTENSION MODEL; %s\n", count == 3 ? dlerror() : "");
        return 1;
    }
    *(void**)&init = dlsym(extension, "fp4_npc_init");
    CHECK(init);
    without_register_class = 1; /* an older Godot */
    CHECK(!init(get_function, &class_info, &how));
    without_register_class = 0;
    CHECK(init(get_function, &class_info, &how));
    CHECK(how.minimum_initialization_level == GDEXTENSION_INITIALIZATION_SCENE);
    how.initialize(how.userdata, GDEXTENSION_INITIALIZATION_SCENE);
    CHECK(methods_registered == 4);
    CHECK(class_info.create_instance_func(class_info.class_userdata) == &live_objects && last_instance);
    check_typed(arguments[2]);
    check_untyped();
    class_info.free_instance_func(class_info.class_userdata, last_instance); /* while it speaks */
    how.deinitialize(how.userdata, GDEXTENSION_INITIALIZATION_SCENE);
    CHECK(live_strings == 0 && methods_registered == 0);
    return 0;
}
