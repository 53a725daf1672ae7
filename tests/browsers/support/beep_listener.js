// An audio worklet that tells when a tone begins in what it hears, as a time of Date.now().

/** Louder than what a codec makes of silence, softer than the test picture's tone. */
const kLoud = 0.05;
/** A tone begins where it was quiet for so long. */
const kQuietSeconds = 0.3;

class BeepListener extends AudioWorkletProcessor {
  quietSamples = 0;

  process([input]) {
    const samples = input[0] ?? [];
    for (const [i, sample] of samples.entries()) {
      if (Math.abs(sample) < kLoud) {
        ++this.quietSamples;
        continue;
      }
      if (this.quietSamples > kQuietSeconds * sampleRate) this.port.postMessage(Date.now() + (i * 1000) / sampleRate);
      this.quietSamples = 0;
    }
    return true;
  }
}

registerProcessor('beep-listener', BeepListener);
