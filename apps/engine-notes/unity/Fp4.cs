// libfp4 for C#: the calls that a talking character needs, by P/Invoke. For Unity put this file, Fp4Speech.cs and the
// library (libfp4.so in Assets/Plugins) into a project; other .NET finds the library where the system looks.
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Fp4
{
    public sealed class Fp4Exception : Exception
    {
        public Fp4Exception(string message) : base(message) { }
    }

    // Structs of fp4.h: the same fields in the same order. Only blittable types, so that nothing is copied or converted.
    [StructLayout(LayoutKind.Sequential)]
    internal struct CtxConfig
    {
        public uint size, flags, capacity, chunk;
        public int threads, lowPriority, pathPrefill, pathDecode, kvFormat;
        public uint reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct GenConfig
    {
        public uint size, flags;
        public IntPtr prompt;
        public ulong promptBytes;
        public IntPtr tokens;
        public ulong tokenCount;
        public IntPtr sampling;
        public IntPtr stop;
        public ulong stopCount;
        public uint maxTokens, reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Sampling
    {
        public uint size, flags;
        public float temperature;
        public int topK;
        public float topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty;
        public int penaltyLastN;
        public ulong seed;
        public IntPtr bias;
        public ulong biasCount;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct StepInfo
    {
        internal uint size, flags;
        public ulong elapsedUs, overrunUs;
        public uint newTokens, promptLeft;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Message
    {
        public IntPtr role, content;
    }

    internal static class Native
    {
        private const string Library = "fp4";
        internal const int Ok = 0, More = 1, Done = 2, Space = -3;
        internal const uint ChatAddGenerationPrompt = 1;

        [DllImport(Library)] internal static extern IntPtr fp4_last_error();
        [DllImport(Library)] internal static extern uint fp4_version();
        [DllImport(Library)] internal static extern int fp4_model_open(out IntPtr model, byte[] path, IntPtr config);
        [DllImport(Library)] internal static extern void fp4_model_close(IntPtr model);
        [DllImport(Library)] internal static extern int fp4_ctx_config_init(out CtxConfig config, uint size);
        [DllImport(Library)] internal static extern int fp4_ctx_create(out IntPtr ctx, IntPtr model, ref CtxConfig config);
        [DllImport(Library)] internal static extern void fp4_ctx_close(IntPtr ctx);
        [DllImport(Library)] internal static extern int fp4_ctx_truncate(IntPtr ctx, UIntPtr tokens);
        [DllImport(Library)] internal static extern int fp4_sampling_init(out Sampling sampling, uint size);
        [DllImport(Library)] internal static extern int fp4_gen_config_init(out GenConfig config, uint size);
        [DllImport(Library)] internal static extern int fp4_gen_start(out IntPtr gen, IntPtr ctx, ref GenConfig config);
        [DllImport(Library)] internal static extern int fp4_gen_step(IntPtr gen, ulong budgetUs, ref StepInfo info);
        [DllImport(Library)] internal static extern int fp4_gen_read(IntPtr gen, byte[] text, UIntPtr capacity,
            out UIntPtr bytes, int timeoutMs);
        [DllImport(Library)] internal static extern void fp4_gen_close(IntPtr gen);
        [DllImport(Library)] internal static extern int fp4_chat_format(IntPtr model, byte[] template, Message[] messages,
            UIntPtr count, byte[] variables, uint flags, byte[] text, UIntPtr capacity, out UIntPtr needed);

        internal static byte[] Utf8(string text)
        {
            return Encoding.UTF8.GetBytes(text + "\0");
        }

        internal static void Check(int status)
        {
            if (status >= 0) return;
            IntPtr text = fp4_last_error(); // of this thread's last call
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0) ++length;
            byte[] bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            throw new Fp4Exception(Encoding.UTF8.GetString(bytes));
        }
    }

    // A character: a model, a context and an answer under way. Not for several threads at once.
    public sealed class Speaker : IDisposable
    {
        private const uint MostTokens = 160;
        private readonly string persona;
        private IntPtr model, ctx, gen;
        private readonly byte[] buffer = new byte[512];
        private StepInfo lastStep;
        private ulong asked;

        public Speaker(string modelPath, string persona, uint capacity = 0)
        {
            this.persona = persona;
            try
            {
                Native.Check(Native.fp4_model_open(out model, Native.Utf8(modelPath), IntPtr.Zero));
                CtxConfig config;
                Native.Check(Native.fp4_ctx_config_init(out config, (uint)Marshal.SizeOf(typeof(CtxConfig))));
                config.capacity = capacity;
                Native.Check(Native.fp4_ctx_create(out ctx, model, ref config));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public bool IsSpeaking { get { return gen != IntPtr.Zero; } }

        public StepInfo LastStep { get { return lastStep; } }

        // Begins an answer; one that is under way ends. Every question stands for itself.
        public void Ask(string question)
        {
            if (ctx == IntPtr.Zero) throw new ObjectDisposedException("Speaker");
            Finish();
            Native.Check(Native.fp4_ctx_truncate(ctx, UIntPtr.Zero));
            byte[] prompt = Format(question);
            GenConfig config;
            Sampling sampling;
            Native.Check(Native.fp4_gen_config_init(out config, (uint)Marshal.SizeOf(typeof(GenConfig))));
            Native.Check(Native.fp4_sampling_init(out sampling, (uint)Marshal.SizeOf(typeof(Sampling))));
            sampling.seed = asked++;
            config.maxTokens = MostTokens;
            config.promptBytes = (ulong)prompt.Length;
            GCHandle text = GCHandle.Alloc(prompt, GCHandleType.Pinned), drawing = GCHandle.Alloc(sampling, GCHandleType.Pinned);
            try
            {
                config.prompt = text.AddrOfPinnedObject();
                config.sampling = drawing.AddrOfPinnedObject();
                Native.Check(Native.fp4_gen_start(out gen, ctx, ref config)); // copies what it needs
            }
            finally
            {
                text.Free();
                drawing.Free();
            }
        }

        // Works for about budgetUs, then gives the text that came ("" if none). IsSpeaking turns false at the end.
        public string Step(ulong budgetUs)
        {
            if (gen == IntPtr.Zero) return "";
            lastStep.size = (uint)Marshal.SizeOf(typeof(StepInfo));
            try
            {
                Native.Check(Native.fp4_gen_step(gen, budgetUs, ref lastStep));
                StringBuilder text = new StringBuilder();
                UIntPtr bytes;
                int status;
                do
                {
                    status = Native.fp4_gen_read(gen, buffer, (UIntPtr)(uint)buffer.Length, out bytes, 0);
                    Native.Check(status);
                    text.Append(Encoding.UTF8.GetString(buffer, 0, (int)bytes.ToUInt32())); // whole characters always
                } while (status == Native.More && bytes != UIntPtr.Zero);
                if (status == Native.Done) Finish();
                return text.ToString();
            }
            catch (Fp4Exception)
            {
                Finish();
                throw;
            }
        }

        public void Dispose()
        {
            Finish();
            Native.fp4_ctx_close(ctx);
            Native.fp4_model_close(model);
            ctx = model = IntPtr.Zero;
        }

        private void Finish()
        {
            Native.fp4_gen_close(gen);
            gen = IntPtr.Zero;
        }

        // The prompt by the model's chat template; without one the question itself.
        private byte[] Format(string question)
        {
            string[] texts = string.IsNullOrEmpty(persona) ? new[] { "user", question }
                                                           : new[] { "system", persona, "user", question };
            GCHandle[] pins = new GCHandle[texts.Length];
            for (int i = 0; i < texts.Length; ++i) pins[i] = GCHandle.Alloc(Native.Utf8(texts[i]), GCHandleType.Pinned);
            try
            {
                Message[] messages = new Message[texts.Length / 2];
                for (int i = 0; i < messages.Length; ++i)
                {
                    messages[i].role = pins[2 * i].AddrOfPinnedObject();
                    messages[i].content = pins[2 * i + 1].AddrOfPinnedObject();
                }
                UIntPtr count = (UIntPtr)(uint)messages.Length, needed;
                if (Native.fp4_chat_format(model, null, messages, count, null, Native.ChatAddGenerationPrompt, null,
                        UIntPtr.Zero, out needed) != Native.Space)
                    return Encoding.UTF8.GetBytes(question);
                byte[] prompt = new byte[needed.ToUInt32()];
                Native.Check(Native.fp4_chat_format(model, null, messages, count, null, Native.ChatAddGenerationPrompt,
                    prompt, needed, out needed));
                return prompt;
            }
            finally
            {
                foreach (GCHandle pin in pins) pin.Free();
            }
        }
    }
}
