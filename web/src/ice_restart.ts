// An ICE restart in text (RFC 9725 §4.3.3, RFC 8840): what of an offer goes into a PATCH, and what
// its answer changes in the description that we had from the relay.

export const kFragmentType = 'application/trickle-ice-sdpfrag';

const isCredential = (line: string) => /^a=ice-(ufrag|pwd):/.test(line);
const isCandidate = (line: string) => /^a=(candidate:|end-of-candidates)/.test(line);

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

function textOf(lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join('');
}

/** What stands in front of the m-lines, and each m-line with what follows it. */
function sectionsOf(text: string): string[][] {
  const sections: string[][] = [[]];
  for (const line of linesOf(text)) {
    if (line.startsWith('m=')) sections.push([]);
    sections.at(-1)!.push(line);
  }
  return sections;
}

/** The ICE of an offer, as the body of a PATCH: of its first section, which the others share. */
export function fragmentOf(offer: string): string {
  const [session = [], tagged = []] = sectionsOf(offer);
  const credentials = tagged.some(isCredential) ? tagged : session;
  return textOf([
    ...session.filter((line) => /^a=(group:BUNDLE|ice-options:)/.test(line)),
    ...tagged.filter((line) => /^(m=|a=mid:)/.test(line)),
    ...credentials.filter(isCredential),
    ...tagged.filter(isCandidate),
  ]);
}

/** The answer that we had, with the credentials and the candidates of the relay's fragment. */
export function answerWith(answer: string, fragment: string): string {
  const told = linesOf(fragment);
  const candidates = told.filter(isCandidate);
  let placed = false;
  return textOf(
    linesOf(answer).flatMap((line) => {
      if (isCandidate(line)) return placed ? [] : ((placed = true), candidates);
      if (!isCredential(line)) return [line];
      const name = line.slice(0, line.indexOf(':') + 1);
      return [told.find((other) => other.startsWith(name)) ?? line];
    }),
  );
}
