/** The whole screen: who is playing, what can be handed in, what is still to do. */
import type { Client, QuestRecord, User } from "@questkeep/client";
import { useStatus, useUser } from "@questkeep/client/react";
import { useEffect, useState } from "react";
import { LevelBar } from "./level_bar";
import { QuestCard } from "./quest_card";

const ready = (user: User): readonly QuestRecord[] => user.quests.ready;
const active = (user: User): readonly QuestRecord[] => user.quests.active;

export function QuestScreen({ questkeep }: { readonly questkeep: Client }) {
  const me = questkeep.user();
  const status = useStatus(questkeep);
  const toHandIn = useUser(me, ready);
  const toDo = useUser(me, active);
  const [news, setNews] = useState("");
  useEffect(() => me.on("level_reached", ({ level }) => setNews(`You reached level ${level}.`)), [me]);

  const handIn = (questId: string): void => {
    setNews("");
    me.turnInQuest(questId).catch((error: unknown) => setNews(String(error)));
  };

  if (!toDo.ready) return <main aria-busy="true">{status === "closed" ? "This token was refused." : "Connecting…"}</main>;
  const quests = [...toHandIn.rows, ...toDo.rows];
  return (
    <main>
      <header>
        <LevelBar me={me} />
        <span className={`status ${status}`} role="status">
          {status === "live" ? "live" : "reconnecting…"}
        </span>
      </header>
      <p className="news" aria-live="polite">
        {news}
      </p>
      <h2>Quests</h2>
      {quests.length ? (
        <ul>
          {quests.map((quest) => (
            <QuestCard key={quest.quest_id} quest={quest} handIn={handIn} />
          ))}
        </ul>
      ) : (
        <p className="empty">Nothing to do. Enjoy the view.</p>
      )}
    </main>
  );
}
