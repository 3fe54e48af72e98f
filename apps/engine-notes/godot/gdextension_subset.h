/* The part of Godot's GDExtension interface (4.2 and later) that fp4_npc_extension.c uses, for building
 * without Godot's own gdextension_interface.h; where that header is found it is used instead. An extension
 * gets every function by its name, so that only the types below must match. */
#ifndef GDEXTENSION_SUBSET_H
#define GDEXTENSION_SUBSET_H

#include <stdint.h>

typedef enum {
    GDEXTENSION_VARIANT_TYPE_NIL = 0,
    GDEXTENSION_VARIANT_TYPE_BOOL = 1,
    GDEXTENSION_VARIANT_TYPE_INT = 2,
    GDEXTENSION_VARIANT_TYPE_STRING = 4,
    GDEXTENSION_VARIANT_TYPE_STRING_NAME = 21
} GDExtensionVariantType;
typedef enum { GDEXTENSION_INITIALIZATION_SCENE = 2 } GDExtensionInitializationLevel;
typedef enum {
    GDEXTENSION_CALL_OK = 0,
    GDEXTENSION_CALL_ERROR_INVALID_ARGUMENT = 2,
    GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS = 3,
    GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS = 4
} GDExtensionCallErrorType;
typedef enum { GDEXTENSION_METHOD_FLAGS_DEFAULT = 1 } GDExtensionClassMethodFlags;
typedef enum { GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE = 0 } GDExtensionClassMethodArgumentMetadata;

typedef uint8_t GDExtensionBool;
typedef int64_t GDExtensionInt;
typedef void* GDExtensionStringNamePtr;
typedef const void* GDExtensionConstStringNamePtr;
typedef void* GDExtensionStringPtr;
typedef const void* GDExtensionConstStringPtr;
typedef void* GDExtensionVariantPtr;
typedef const void* GDExtensionConstVariantPtr;
typedef void* GDExtensionTypePtr;
typedef const void* GDExtensionConstTypePtr;
typedef void* GDExtensionObjectPtr;
typedef void* GDExtensionClassInstancePtr;
typedef void* GDExtensionClassLibraryPtr;

typedef struct {
    GDExtensionCallErrorType error;
    int32_t argument, expected;
} GDExtensionCallError;

typedef struct {
    GDExtensionVariantType type;
    GDExtensionStringNamePtr name, class_name;
    uint32_t hint;
    GDExtensionStringPtr hint_string;
    uint32_t usage;
} GDExtensionPropertyInfo;

/* Functions that are not used here are only pointers. */
typedef struct {
    GDExtensionBool is_virtual, is_abstract, is_exposed;
    void (*set_func)(void);
    void (*get_func)(void);
    void (*get_property_list_func)(void);
    void (*free_property_list_func)(void);
    void (*property_can_revert_func)(void);
    void (*property_get_revert_func)(void);
    void (*validate_property_func)(void);
    void (*notification_func)(void);
    void (*to_string_func)(void);
    void (*reference_func)(void);
    void (*unreference_func)(void);
    GDExtensionObjectPtr (*create_instance_func)(void* class_userdata);
    void (*free_instance_func)(void* class_userdata, GDExtensionClassInstancePtr instance);
    void (*recreate_instance_func)(void);
    void (*get_virtual_func)(void);
    void (*get_virtual_call_data_func)(void);
    void (*call_virtual_with_data_func)(void);
    void (*get_rid_func)(void);
    void* class_userdata;
} GDExtensionClassCreationInfo2;

typedef void (*GDExtensionClassMethodCall)(void* userdata, GDExtensionClassInstancePtr instance,
                                           const GDExtensionConstVariantPtr* arguments, GDExtensionInt count,
                                           GDExtensionVariantPtr result, GDExtensionCallError* error);
typedef void (*GDExtensionClassMethodPtrCall)(void* userdata, GDExtensionClassInstancePtr instance,
                                              const GDExtensionConstTypePtr* arguments,
                                              GDExtensionTypePtr result);

typedef struct {
    GDExtensionStringNamePtr name;
    void* method_userdata;
    GDExtensionClassMethodCall call_func;
    GDExtensionClassMethodPtrCall ptrcall_func;
    uint32_t method_flags;
    GDExtensionBool has_return_value;
    GDExtensionPropertyInfo* return_value_info;
    GDExtensionClassMethodArgumentMetadata return_value_metadata;
    uint32_t argument_count;
    GDExtensionPropertyInfo* arguments_info;
    GDExtensionClassMethodArgumentMetadata* arguments_metadata;
    uint32_t default_argument_count;
    GDExtensionVariantPtr* default_arguments;
} GDExtensionClassMethodInfo;

typedef struct {
    GDExtensionInitializationLevel minimum_initialization_level;
    void* userdata;
    void (*initialize)(void* userdata, GDExtensionInitializationLevel level);
    void (*deinitialize)(void* userdata, GDExtensionInitializationLevel level);
} GDExtensionInitialization;

typedef void (*GDExtensionInterfaceFunctionPtr)(void);
typedef GDExtensionInterfaceFunctionPtr (*GDExtensionInterfaceGetProcAddress)(const char* name);
typedef void (*GDExtensionPtrDestructor)(GDExtensionTypePtr base);
typedef void (*GDExtensionVariantFromTypeConstructorFunc)(GDExtensionVariantPtr to, GDExtensionTypePtr from);
typedef void (*GDExtensionTypeFromVariantConstructorFunc)(GDExtensionTypePtr to, GDExtensionVariantPtr from);

typedef void (*GDExtensionInterfaceStringNewWithUtf8CharsAndLen)(GDExtensionStringPtr to, const char* text,
                                                                 GDExtensionInt bytes);
typedef GDExtensionInt (*GDExtensionInterfaceStringToUtf8Chars)(GDExtensionConstStringPtr from, char* text,
                                                                GDExtensionInt capacity);
typedef void (*GDExtensionInterfaceStringNameNewWithLatin1Chars)(GDExtensionStringNamePtr to,
                                                                 const char* text, GDExtensionBool is_static);
typedef GDExtensionPtrDestructor (*GDExtensionInterfaceVariantGetPtrDestructor)(GDExtensionVariantType type);
typedef GDExtensionVariantFromTypeConstructorFunc (*GDExtensionInterfaceGetVariantFromTypeConstructor)(
    GDExtensionVariantType type);
typedef GDExtensionTypeFromVariantConstructorFunc (*GDExtensionInterfaceGetVariantToTypeConstructor)(
    GDExtensionVariantType type);
typedef GDExtensionVariantType (*GDExtensionInterfaceVariantGetType)(GDExtensionConstVariantPtr variant);
typedef GDExtensionObjectPtr (*GDExtensionInterfaceClassdbConstructObject)(
    GDExtensionConstStringNamePtr name);
typedef void (*GDExtensionInterfaceObjectSetInstance)(GDExtensionObjectPtr object,
                                                      GDExtensionConstStringNamePtr name,
                                                      GDExtensionClassInstancePtr instance);
typedef void (*GDExtensionInterfaceClassdbRegisterExtensionClass2)(GDExtensionClassLibraryPtr library,
                                                                   GDExtensionConstStringNamePtr name,
                                                                   GDExtensionConstStringNamePtr parent,
                                                                   const GDExtensionClassCreationInfo2* info);
typedef void (*GDExtensionInterfaceClassdbRegisterExtensionClassMethod)(
    GDExtensionClassLibraryPtr library, GDExtensionConstStringNamePtr name,
    const GDExtensionClassMethodInfo* info);
typedef void (*GDExtensionInterfaceClassdbUnregisterExtensionClass)(GDExtensionClassLibraryPtr library,
                                                                    GDExtensionConstStringNamePtr name);

#endif
