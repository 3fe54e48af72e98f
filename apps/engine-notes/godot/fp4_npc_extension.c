/* The class Fp4Npc for Godot 4.2 and later: GDScript over apps/game-loop/npc.h. In C, straight on
 * GDExtension. */
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<gdextension_interface.h>)
#include <gdextension_interface.h>
#define HAVE_INTERFACE
#endif
#endif
#ifndef HAVE_INTERFACE
#include "gdextension_subset.h"
#endif

#include "npc.h"

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

/* Godot's String and StringName are one pointer wide. */
typedef struct {
    void* opaque;
} godot_text;

typedef struct {
    npc npc;
    char* persona;
    int open;
} instance;

static struct {
    GDExtensionClassLibraryPtr library;
    GDExtensionInterfaceStringNewWithUtf8CharsAndLen string_new;
    GDExtensionInterfaceStringToUtf8Chars string_to_utf8;
    GDExtensionInterfaceStringNameNewWithLatin1Chars name_new;
    GDExtensionPtrDestructor string_free, name_free;
    GDExtensionVariantFromTypeConstructorFunc variant_of_string, variant_of_bool;
    GDExtensionTypeFromVariantConstructorFunc string_of_variant, int_of_variant;
    GDExtensionInterfaceVariantGetType type_of;
    GDExtensionInterfaceClassdbConstructObject construct;
    GDExtensionInterfaceObjectSetInstance set_instance;
    GDExtensionInterfaceClassdbRegisterExtensionClass2 register_class;
    GDExtensionInterfaceClassdbRegisterExtensionClassMethod register_method;
    GDExtensionInterfaceClassdbUnregisterExtensionClass unregister_class;
} godot;

static godot_text class_name;

/* The text in UTF-8, to be freed; NULL without memory. */
static char* utf8_of(const godot_text* string) {
    const GDExtensionInt bytes = godot.string_to_utf8(string, NULL, 0);
    char* text = malloc((size_t)bytes + 1);
    if (!text) return NULL;
    godot.string_to_utf8(string, text, bytes);
    text[bytes] = '\0';
    return text;
}

static void give_text(godot_text* to, const char* text) {
    godot.string_new(to, text, (GDExtensionInt)strlen(text));
}

/* open(model_path: String, persona: String) -> String: "" or what went wrong */
static void open_npc(instance* self, const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result) {
    npc_config config = {0};
    char* path = utf8_of(arguments[0]);
    if (self->open) npc_close(&self->npc);
    free(self->persona);
    self->persona = utf8_of(arguments[1]);
    config.persona = self->persona;
    self->open = path && self->persona && npc_open(&self->npc, path, &config);
    if (!self->open) npc_close(&self->npc);
    give_text(result, self->open ? "" : path && self->persona ? self->npc.error : "no memory");
    free(path);
}

/* ask(question: String) -> String: "" or what went wrong */
static void ask_npc(instance* self, const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result) {
    char* question = utf8_of(arguments[0]);
    const int fine = question && self->open && npc_ask(&self->npc, question);
    give_text(result, fine          ? ""
                      : !self->open ? "no model is open"
                      : question    ? self->npc.error
                                    : "no memory");
    free(question);
}

/* step(budget_us: int) -> bool: whether there is more to say. Once a frame. */
static void step_npc(instance* self, const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result) {
    const int64_t budget = *(const int64_t*)arguments[0];
    uint64_t elapsed_us;
    self->npc.config.budget_us = budget < 0 ? 0 : budget > 1000000 ? 1000000 : (uint32_t)budget;
    *(GDExtensionBool*)result = self->open && npc_update(&self->npc, &elapsed_us) && npc_speaks(&self->npc);
}

/* text() -> String: the answer so far */
static void text_of_npc(instance* self, const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result) {
    (void)arguments;
    give_text(result, self->npc.text);
}

typedef struct {
    const char* name;
    void (*body)(instance* self, const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result);
    uint32_t argument_count;
    GDExtensionVariantType argument_type, result_type;
    const char* argument_names[2];
} method;

static const method methods[] = {
    {"open",
     open_npc,
     2,
     GDEXTENSION_VARIANT_TYPE_STRING,
     GDEXTENSION_VARIANT_TYPE_STRING,
     {"model_path", "persona"}},
    {"ask", ask_npc, 1, GDEXTENSION_VARIANT_TYPE_STRING, GDEXTENSION_VARIANT_TYPE_STRING, {"question", NULL}},
    {"step", step_npc, 1, GDEXTENSION_VARIANT_TYPE_INT, GDEXTENSION_VARIANT_TYPE_BOOL, {"budget_us", NULL}},
    {"text", text_of_npc, 0, GDEXTENSION_VARIANT_TYPE_NIL, GDEXTENSION_VARIANT_TYPE_STRING, {NULL, NULL}},
};

/* Calls with typed GDScript come here. */
static void call_typed(void* userdata, GDExtensionClassInstancePtr self,
                       const GDExtensionConstTypePtr* arguments, GDExtensionTypePtr result) {
    ((const method*)userdata)->body(self, arguments, result);
}

/* Calls without types come here, with variants. */
static void call_untyped(void* userdata, GDExtensionClassInstancePtr self,
                         const GDExtensionConstVariantPtr* arguments, GDExtensionInt count,
                         GDExtensionVariantPtr result, GDExtensionCallError* error) {
    const method* called = userdata;
    const int is_text = called->argument_type == GDEXTENSION_VARIANT_TYPE_STRING;
    godot_text texts[2], answer = {NULL};
    int64_t number = 0;
    GDExtensionBool truth = 0;
    GDExtensionConstTypePtr typed[2] = {&texts[0], &texts[1]};
    uint32_t i;
    error->error = count < called->argument_count   ? GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS
                   : count > called->argument_count ? GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS
                                                    : GDEXTENSION_CALL_OK;
    error->expected = (int32_t)called->argument_count;
    if (error->error != GDEXTENSION_CALL_OK) return;
    for (i = 0; i < called->argument_count; ++i) {
        if (godot.type_of(arguments[i]) == called->argument_type) continue;
        error->error = GDEXTENSION_CALL_ERROR_INVALID_ARGUMENT;
        error->argument = (int32_t)i;
        error->expected = called->argument_type;
        return;
    }
    for (i = 0; i < called->argument_count; ++i) {
        GDExtensionVariantPtr argument = (GDExtensionVariantPtr)(uintptr_t)arguments[i]; /* only read */
        if (is_text) {
            godot.string_of_variant(&texts[i], argument);
        } else {
            godot.int_of_variant(&number, argument);
        }
    }
    if (!is_text) typed[0] = &number;
    if (called->result_type == GDEXTENSION_VARIANT_TYPE_BOOL) {
        called->body(self, typed, &truth);
        godot.variant_of_bool(result, &truth);
    } else {
        called->body(self, typed, &answer);
        godot.variant_of_string(result, &answer);
        godot.string_free(&answer);
    }
    for (i = 0; is_text && i < called->argument_count; ++i) godot.string_free(&texts[i]);
}

static GDExtensionObjectPtr create(void* userdata) {
    godot_text parent;
    GDExtensionObjectPtr object;
    instance* self = calloc(1, sizeof *self);
    (void)userdata;
    if (!self) return NULL;
    godot.name_new(&parent, "RefCounted", 0);
    object = godot.construct(&parent);
    godot.name_free(&parent);
    godot.set_instance(object, &class_name, self);
    return object;
}

static void destroy(void* userdata, GDExtensionClassInstancePtr object) {
    instance* self = object;
    (void)userdata;
    if (!self) return;
    npc_close(&self->npc);
    free(self->persona);
    free(self);
}

static void register_one(const method* item) {
    godot_text name, empty_name, empty_string, argument_names[2];
    GDExtensionPropertyInfo result = {0}, arguments[2];
    GDExtensionClassMethodArgumentMetadata metadata[2] = {GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE,
                                                          GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE};
    GDExtensionClassMethodInfo info = {0};
    const uint32_t usage = 6; /* PROPERTY_USAGE_DEFAULT */
    uint32_t i;
    memset(arguments, 0, sizeof arguments);
    godot.name_new(&name, item->name, 0);
    godot.name_new(&empty_name, "", 0);
    godot.string_new(&empty_string, "", 0);
    result.type = item->result_type;
    result.name = &empty_name;
    result.class_name = &empty_name;
    result.hint_string = &empty_string;
    result.usage = usage;
    for (i = 0; i < item->argument_count; ++i) {
        godot.name_new(&argument_names[i], item->argument_names[i], 0);
        arguments[i] = result;
        arguments[i].type = item->argument_type;
        arguments[i].name = &argument_names[i];
    }
    info.name = &name;
    info.method_userdata = (void*)(uintptr_t)item;
    info.call_func = call_untyped;
    info.ptrcall_func = call_typed;
    info.method_flags = GDEXTENSION_METHOD_FLAGS_DEFAULT;
    info.has_return_value = 1;
    info.return_value_info = &result;
    info.argument_count = item->argument_count;
    info.arguments_info = arguments;
    info.arguments_metadata = metadata;
    godot.register_method(godot.library, &class_name, &info);
    for (i = 0; i < item->argument_count; ++i) godot.name_free(&argument_names[i]);
    godot.name_free(&name);
    godot.name_free(&empty_name);
    godot.string_free(&empty_string);
}

static void initialize(void* userdata, GDExtensionInitializationLevel level) {
    GDExtensionClassCreationInfo2 info = {0};
    godot_text parent;
    size_t i;
    (void)userdata;
    if (level != GDEXTENSION_INITIALIZATION_SCENE) return;
    godot.name_new(&class_name, "Fp4Npc", 0);
    godot.name_new(&parent, "RefCounted", 0);
    info.is_exposed = 1;
    info.create_instance_func = create;
    info.free_instance_func = destroy;
    godot.register_class(godot.library, &class_name, &parent, &info);
    godot.name_free(&parent);
    for (i = 0; i < sizeof methods / sizeof *methods; ++i) register_one(&methods[i]);
}

static void deinitialize(void* userdata, GDExtensionInitializationLevel level) {
    (void)userdata;
    if (level != GDEXTENSION_INITIALIZATION_SCENE) return;
    godot.unregister_class(godot.library, &class_name);
    godot.name_free(&class_name);
}

/* Named in fp4_npc.gdextension. */
EXPORTED GDExtensionBool fp4_npc_init(GDExtensionInterfaceGetProcAddress get,
                                      GDExtensionClassLibraryPtr library,
                                      GDExtensionInitialization* initialization) {
    GDExtensionInterfaceVariantGetPtrDestructor destructor;
    GDExtensionInterfaceGetVariantFromTypeConstructor from_type;
    GDExtensionInterfaceGetVariantToTypeConstructor to_type;
    godot.library = library;
    godot.string_new =
        (GDExtensionInterfaceStringNewWithUtf8CharsAndLen)get("string_new_with_utf8_chars_and_len");
    godot.string_to_utf8 = (GDExtensionInterfaceStringToUtf8Chars)get("string_to_utf8_chars");
    godot.name_new =
        (GDExtensionInterfaceStringNameNewWithLatin1Chars)get("string_name_new_with_latin1_chars");
    godot.type_of = (GDExtensionInterfaceVariantGetType)get("variant_get_type");
    godot.construct = (GDExtensionInterfaceClassdbConstructObject)get("classdb_construct_object");
    godot.set_instance = (GDExtensionInterfaceObjectSetInstance)get("object_set_instance");
    godot.register_class =
        (GDExtensionInterfaceClassdbRegisterExtensionClass2)get("classdb_register_extension_class2");
    godot.register_method = (GDExtensionInterfaceClassdbRegisterExtensionClassMethod)get(
        "classdb_register_extension_class_method");
    godot.unregister_class =
        (GDExtensionInterfaceClassdbUnregisterExtensionClass)get("classdb_unregister_extension_class");
    destructor = (GDExtensionInterfaceVariantGetPtrDestructor)get("variant_get_ptr_destructor");
    from_type = (GDExtensionInterfaceGetVariantFromTypeConstructor)get("get_variant_from_type_constructor");
    to_type = (GDExtensionInterfaceGetVariantToTypeConstructor)get("get_variant_to_type_constructor");
    if (!godot.string_new || !godot.string_to_utf8 || !godot.name_new || !godot.type_of || !godot.construct ||
        !godot.set_instance || !godot.register_class || !godot.register_method || !godot.unregister_class ||
        !destructor || !from_type || !to_type)
        return 0; /* older than Godot 4.2 */
    godot.string_free = destructor(GDEXTENSION_VARIANT_TYPE_STRING);
    godot.name_free = destructor(GDEXTENSION_VARIANT_TYPE_STRING_NAME);
    godot.variant_of_string = from_type(GDEXTENSION_VARIANT_TYPE_STRING);
    godot.variant_of_bool = from_type(GDEXTENSION_VARIANT_TYPE_BOOL);
    godot.string_of_variant = to_type(GDEXTENSION_VARIANT_TYPE_STRING);
    godot.int_of_variant = to_type(GDEXTENSION_VARIANT_TYPE_INT);
    initialization->minimum_initialization_level = GDEXTENSION_INITIALIZATION_SCENE;
    initialization->userdata = NULL;
    initialization->initialize = initialize;
    initialization->deinitialize = deinitialize;
    return 1;
}
