// Gives an actor a voice: Ask from Blueprint, OnText as the answer comes, BudgetUs of each tick.
#pragma once

#include <memory>

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "Fp4Speaker.h"
#include "Fp4SpeechComponent.generated.h"

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FFp4Text, const FString&, Text);

UCLASS(ClassGroup = (Fp4), meta = (BlueprintSpawnableComponent))
class UFp4SpeechComponent : public UActorComponent {
    GENERATED_BODY()

  public:
    UFp4SpeechComponent();

    UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Fp4") FString ModelPath;
    UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Fp4") FString Persona;
    UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Fp4") int32 BudgetUs = 4000;
    UPROPERTY(BlueprintAssignable, Category = "Fp4") FFp4Text OnText;

    UFUNCTION(BlueprintCallable, Category = "Fp4") bool Ask(const FString& Question);

    virtual void TickComponent(float DeltaTime, ELevelTick TickType,
                               FActorComponentTickFunction* Function) override;

  private:
    std::unique_ptr<Fp4Speaker> Speaker;
};
