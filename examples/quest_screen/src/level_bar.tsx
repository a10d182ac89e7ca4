/** Level, how far the next one is, gold, and level-ups that nobody has celebrated yet. */
import type { PlayerProgression, User } from "@questkeep/client";
import { useUser } from "@questkeep/client/react";

const progression = (user: User): PlayerProgression | undefined => user.progression;
const gold = (user: User): number => user.wallet.gold ?? 0;

export function LevelBar({ me }: { readonly me: User }) {
  const row = useUser(me, progression).rows;
  const coins = useUser(me, gold).rows;
  const [level, into, cost] = row ? [row.level, row.current_level_xp, row.xp_to_next_level] : [1, 0, 1];
  const pending = row?.pending_level_ups ?? 0;
  return (
    <section className="level">
      <h1>
        Level {level}
        {pending > 0 && (
          <button className="celebrate" onClick={() => void me.acknowledgeLevelUps().catch(() => undefined)}>
            ★ {pending}
            <span className="hidden"> new: celebrate</span>
          </button>
        )}
      </h1>
      <progress max={cost || 1} value={cost ? into : 1} aria-label={cost ? `${into} of ${cost} experience` : "highest level"} />
      <p>
        {cost ? `${into.toLocaleString("en")} / ${cost.toLocaleString("en")} XP` : "highest level"}
        <span className="gold">{coins.toLocaleString("en")} gold</span>
      </p>
    </section>
  );
}
