"""How near the figures are to their goals, as a picture."""
import html
import math

WIDTH, LEFT, RIGHT, LINE = 960, 470, 90, 22
MET, MISSED, TEXT = "#2f7d4f", "#c0492f", "#333333"
FROM, TO = 0.05, 20  # times the goal; what is beyond ends there


def share_of_goal(figure):
    """Below 1 is better than the goal; None where a bar means nothing."""
    if figure.goal is None or figure.goal <= 0 or not math.isfinite(figure.value):
        return None
    if figure.at_least:
        return figure.goal / figure.value if figure.value > 0 else TO
    return figure.value / figure.goal


def x_of(share):
    inside = min(max(share, FROM), TO)
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(inside / FROM) / math.log(TO / FROM)


def bar(figure, share, top):
    color = MET if figure.met() else MISSED
    begin, end = sorted((x_of(1), x_of(share)))
    return (f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">'
            f'{html.escape(f"{figure.row}: {figure.what}"[:70])}</text>\n'
            f'<rect x="{begin:.1f}" y="{top + 4}" width="{max(end - begin, 1):.1f}" '
            f'height="{LINE - 8}" fill="{color}"/>\n'
            f'<text x="{WIDTH - RIGHT + 10}" y="{top + 15}" fill="{color}">{share:.2f}</text>')


def to_svg(figures):
    """Each figure that has a goal: how many times its goal it is, on a logarithmic scale. To the
    left of the line is better."""
    bars = [(figure, share) for figure in figures if (share := share_of_goal(figure)) is not None]
    height = LINE * (len(bars) + 2)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             f'font-family="sans-serif" font-size="12" fill="{TEXT}">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="{x_of(1):.1f}" y="15" text-anchor="middle">goal</text>',
             f'<text x="{WIDTH - RIGHT + 10}" y="15">of the goal</text>']
    lines += [bar(figure, share, LINE * (number + 1)) for number, (figure, share) in
              enumerate(bars)]
    lines.append(f'<line x1="{x_of(1):.1f}" x2="{x_of(1):.1f}" y1="{LINE}" y2="{height - LINE}" '
                 f'stroke="{TEXT}"/>')
    return "\n".join(lines) + "\n</svg>\n"
