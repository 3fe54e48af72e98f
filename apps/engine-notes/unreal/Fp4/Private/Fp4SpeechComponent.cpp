#include "Fp4SpeechComponent.h"

#include "Modules/ModuleManager.h"

IMPLEMENT_MODULE(FDefaultModuleImpl, Fp4)

UFp4SpeechComponent::UFp4SpeechComponent() {
    PrimaryComponentTick.bCanEverTick = true;
}

bool UFp4SpeechComponent::Ask(const FString& Question) {
    std::string Error;
    if (!Speaker) Speaker = Fp4Speaker::Open(TCHAR_TO_UTF8(*ModelPath), TCHAR_TO_UTF8(*Persona), Error);
    const bool Done = Speaker && Speaker->Ask(TCHAR_TO_UTF8(*Question), Error);
    if (!Done) UE_LOG(LogTemp, Error, TEXT("libfp4: %s"), UTF8_TO_TCHAR(Error.c_str()));
    return Done;
}

void UFp4SpeechComponent::TickComponent(float DeltaTime, ELevelTick TickType,
                                        FActorComponentTickFunction* Function) {
    Super::TickComponent(DeltaTime, TickType, Function);
    if (!Speaker || !Speaker->IsSpeaking()) return;
    std::string Text, Error;
    Speaker->Step(static_cast<uint64_t>(FMath::Max(BudgetUs, 0)), Text, Error);
    if (!Text.empty()) OnText.Broadcast(UTF8_TO_TCHAR(Text.c_str()));
    if (!Error.empty()) UE_LOG(LogTemp, Error, TEXT("libfp4: %s"), UTF8_TO_TCHAR(Error.c_str()));
}
