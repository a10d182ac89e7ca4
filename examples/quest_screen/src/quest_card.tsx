/** One quest: what is asked, what it pays, and one button when it is done. */
import type { QuestRecord } from "@questkeep/client";

interface Props {
  readonly quest: QuestRecord;
  readonly handIn: (questId: string) => void;
}

export function QuestCard({ quest, handIn }: Props) {
  const isReady = quest.status === "ready_to_turn_in";
  return (
    <li className={isReady ? "quest done" : "quest"}>
      <div>
        <h3>{title(quest.quest_id)}</h3>
        {quest.objectives.map(({ kind, target, current, required }) => (
          <p key={`${kind}/${target}`}>
            {kind} {target}: {current} of {required}
          </p>
        ))}
        <p className="reward">{rewardText(quest.reward)}</p>
      </div>
      {isReady && <button onClick={() => handIn(quest.quest_id)}>Turn in</button>}
    </li>
  );
}

const title = (questId: string): string => questId.replace(/[-_.]/g, " ").replace(/^./, (first) => first.toUpperCase());

function rewardText({ experience, currency = {}, items = {} }: QuestRecord["reward"]): string {
  const amounts = [...Object.entries(currency), ...Object.entries(items)].map(([name, amount]) => `${amount} ${name}`);
  return [...(experience ? [`${experience} XP`] : []), ...amounts].join(" · ");
}
