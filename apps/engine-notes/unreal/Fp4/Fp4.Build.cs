// Unreal module: links libfp4, ships it beside the game. Put fp4.h and the library in ThirdParty/fp4.
using System.IO;
using UnrealBuildTool;

public class Fp4 : ModuleRules
{
    public Fp4(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine" });
        string Folder = Path.Combine(ModuleDirectory, "ThirdParty", "fp4");
        PublicIncludePaths.Add(Folder);
        string Library = Path.Combine(Folder, "libfp4.so"); // of Linux; on Windows fp4.lib and fp4.dll
        PublicAdditionalLibraries.Add(Library);
        RuntimeDependencies.Add(Library);
    }
}
