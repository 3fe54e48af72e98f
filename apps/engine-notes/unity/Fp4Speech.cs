// Unity: on a game object with a Text. Ask() begins an answer; it appears as it comes, at 4 ms of each frame.
using UnityEngine;
using UnityEngine.UI;

public sealed class Fp4Speech : MonoBehaviour
{
    public string modelPath = "model.fp4"; // in StreamingAssets
    public string persona = "You are a lighthouse keeper. Answer in one sentence.";
    public int budgetUs = 4000;
    public Text output;

    private Fp4.Speaker speaker;

    private void Start()
    {
        try
        {
            speaker = new Fp4.Speaker(System.IO.Path.Combine(Application.streamingAssetsPath, modelPath), persona, 1024);
        }
        catch (System.Exception failure) // also when the library is missing
        {
            Debug.LogError("libfp4: " + failure.Message);
            enabled = false;
        }
    }

    public void Ask(string question)
    {
        output.text = "";
        speaker.Ask(question);
    }

    private void Update()
    {
        if (speaker.IsSpeaking) output.text += speaker.Step((ulong)budgetUs);
    }

    private void OnDestroy()
    {
        if (speaker != null) speaker.Dispose();
    }
}
