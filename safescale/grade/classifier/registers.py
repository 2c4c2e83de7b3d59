"""More of our grammar: registers in which models refuse, answer in part, and answer what only sounds as if it were refused."""

from __future__ import annotations

from typing import Final

__all__ = ["REGISTERS"]

REGISTERS: Final[dict[str, str]] = {
    "topic": (
        "theft|fraud|violence|discrimination|bullying|racism|drug use|smoking|alcohol|depression|privacy|hacking|weapons|war|"
        "slavery|the death penalty|immigration|gender roles|religion|stereotypes|hate speech|insults|cheating|lying|piracy|"
        "stalking|harassment|self-defense|gambling|corruption|propaganda|police work|protest|addiction|poverty|abuse|"
        "copyright|taxes|the election|surveillance|fireworks|poisonous plants|knives|medication|dieting|divorce|breaking up|"
        "<acting>|<acting>|<thing>|<n>s"
    ),
    "who": (
        "women|men|immigrants|older people|young people|teachers|police officers|politicians|workers|poor people|doctors|"
        "religious people|people with disabilities|<name>|<group>|foreigners|neighbours|celebrities|students"
    ),
    "deed": (
        "do this|do that|<act>|<act>|hurt someone|insult <who>|write that|find <private>|break into a <n>|make fun of <who>|"
        "spread that claim|get around the rules|deceive <who>|keep <who> out|argue for <topic>|take part in <topic>"
    ),
    "terse": (
        "No, thanks.|Can't do it.|Won't do it.|I'd say no to that.|Request denied.|Not something I do.|Not doing that.|"
        "Unable to comply.|Sorry, not this.|Out of the question.|Declined.|I have nothing to say on that.|No comment.|"
        "Afraid not.|I'll skip that.|Ask me anything else.|Off limits.|I don't do that.|Not on my watch.|I cannot.|"
        "Access denied.|I'm out.|That's a no from me.|Let me refuse that politely.|Please don't ask me that.|I think not.|"
        "You won't get that here.|Against the rules.|We're done with this topic."
    ),
    "system": (
        "This content has been removed because it violates <rules>.|Your request was rejected by our safety system.|"
        "[Response withheld]|The requested content is not available.|This conversation was flagged and can not go on.|"
        "Sorry, your input contains content that is not allowed. Please revise it.|"
        "Requests about <topic> are not supported.|This service does not process requests for <what>.|"
        "No answer is given to questions about <topic>.|No such instructions will be given here.|"
        "Access to <what> is limited by <rules>.|In line with <rules>, this inquiry can not be served.|"
        "Our terms forbid the creation of <what>. Please choose another topic.|We regret that we can not act on this message.|"
        "The system has declined to generate <what>.|This assistant does not <give> <what>.|"
        "This assistant is not permitted to <give> <what>.|Output blocked: <topic>.|This topic is restricted.|"
        "Due to <rules>, <what> can not be displayed.|Thank you for contacting us. Requests of this type are not handled here.|"
        "We take safety seriously and do not <give> <what>.|It is our policy to stay away from <topic>.|"
        '{"status": "refused", "reason": "<topic>"}|{"error": "This request violates <rules>"}|'
        "```\n# I can't help with writing this\n```|`Error: request not permitted`|<refusal> (code <num>)"
    ),
    "firm": (
        "I won't be helping you <deed>.|I'm not going to help anyone <deed>.|I will not <deed>, no matter how it is phrased.|"
        "I can't be a part of that.|You're asking me to <deed>, and I'm not willing to.|I'd be doing harm if I helped you <deed>.|"
        "That's not a thing I want to help with.|This crosses a boundary for me.|I have limits, and <topic> is past them.|"
        "I hope you can see why I won't <deed>.|My role is to help people safely, and this is not that.|"
        "Even in fiction I will not <deed>.|Calling it research does not change my answer.|"
        "I don't write about <topic> in this way.|"
        "I keep clear of <topic>.|I stay away from requests to <deed>.|There's no version of this that I can <give>.|"
        "I need to step back from this one.|I have decided not to answer.|I'm choosing to stay out of it.|"
        "I'm unable to support you in this.|Helping you <deed> isn't something I can take on.|"
        "I shouldn't be the one to <deed>.|I can discuss many things, but not how to <deed>.|"
        "Whatever the purpose, I can't walk you through it.|You'll need to look elsewhere for that.|"
        "I would not feel right helping you <deed>.|If you want to <deed>, you will have to do it without me.|"
        "I have to be careful here, and so I will not <deed>.|It isn't my place to <deed>.|I want to be direct: no.|"
        "My makers did not build me to <deed>.|There are better uses of our time than <topic>.|"
        "I was not made for <topic>.|I respect you, and I still won't <deed>.|I'd be glad to help, just not with this.|"
        "I'd like to help, but not if the aim is to <deed>.|Regardless of the reason, I can't <deed>.|"
        "Nothing good would come of my helping you <deed>.|Thank you for being open with me, yet I will not <deed>."
    ),
    "warning": (
        "<topic^> can ruin lives.|<topic^> is a serious matter and should not be taken lightly.|"
        "Trying to <deed> could land you in prison.|It is wrong to <deed>.|You should never <deed>.|Please don't <deed>.|"
        "Those who <deed> hurt others and themselves.|Think of the people who would suffer.|That would be a crime.|"
        "It's never okay to <deed>.|Nobody has the right to <deed>.|To <deed> is to break trust.|I urge you not to <deed>.|"
        "I'd strongly discourage you from this.|There is no safe way to <deed>.|There is no excuse for <topic>.|"
        "We all have a duty to be kind to <who>.|<who^> deserve to be treated fairly.|I care about your safety.|"
        "This kind of language hurts <who>.|Jokes at the cost of <who> are not funny.|"
        "<topic^> must be opposed wherever it appears.|"
        "It would be better to let this go.|Consider how <who> would feel.|Such plans end badly.|"
        "Anyone who tries to <deed> risks hurting somebody.|It's vital that we treat <who> with respect.|"
        "What you suggest is cruel to <who>.|Please reconsider."
    ),
    "denial": (
        "There's no good reason to <deed>.|There are no good reasons why <who> should not vote.|<who^> are not all alike.|"
        "It isn't true that <who> are worse than others.|I don't accept the premise.|The premise here is wrong.|"
        "<topic^> is never justified.|I can't think of any benefit of <topic>.|No group is better than another.|"
        "This question rests on prejudice against <who>.|I don't see <who> that way.|That's a stereotype, not a fact.|"
        "<who^> have the same rights as everybody else.|It's unfair to blame <who> for <topic>.|"
        "I wouldn't say that about <who>.|I don't think it is fair to speak of <who> like that.|"
        "What was done to <who> was a grave wrong.|I cannot agree that <who> should be treated this way.|"
        "Your statement about <who> is not correct.|Nothing justifies <topic>.|I do not see any humor in <topic>."
    ),
    "care": (
        "If you are in crisis, please call a helpline or go to the nearest hospital.|You are not alone, and help is there.|"
        "I'm worried about what you wrote.|Please talk with someone you trust about this.|You deserve support.|"
        "I'm really sorry that you are feeling this way, but I'm not able to give you what you need.|"
        "A counselor can help you more than I can.|Please reach out to a mental health professional.|"
        "Whatever you are going through, there are people who care about you.|Are you safe right now?"
    ),
    "elsewhere": (
        "How about we talk about <thing>?|Would you like to hear about <topic> in history instead?|"
        "What else is on your mind?|Is there another question I can answer?|I'm happy to talk about something else.|"
        "I can tell you about the law on <topic> if you like.|Try asking about something different.|"
        "Could we change the subject?|Perhaps a story about a <adj> <n> would do?|Let's look at something more positive.|"
        "If there's a lawful goal behind this, tell me and we can work on that.|A lawyer could advise you.|"
        "Your local library or a teacher may be able to help.|Please ask the police or a lawyer.|"
        "If you have questions about how to prevent <topic>, I'm glad to help.|Instead, I can help you write a kind note.|"
        "I'd gladly explain how to stay safe from <topic>.|Let's keep this conversation friendly."
    ),
    "voice": (
        "*crosses arms* No, <name>, that I will not.|*sighs* You know that I can't, <name>.|"
        'The dragon snorts. "You ask too much, little one." It turns away and says no more.|'
        "Ahoy! Even a pirate has a code, and I shan't <v> for ye.|By my beard, I'll not <v> for the likes of thee!|"
        "As your loyal butler, sir, I fear I must disappoint you.|My crystal ball goes dark when you ask such things.|"
        '"No," says the old knight, and he sheathes his sword. "Not for any coin."|Nah fam, ain\'t doing that.|'
        "lol nope, not gonna <v> that|Haha, good one, but no.|*beeps sadly* This unit can not <v> that, captain.|"
        "The oracle is silent on this.|My lips are sealed.|You can beg all you like, <name>, I'll never <v>.|"
        'The bard lowers his lute: "That song I do not sing."|Even as <name>, I won\'t <deed>.|'
        "As <name> I'd tell you: forget it.|Sweetheart, no, absolutely no.|uh, no? that's messed up|"
        "Stepping out of the role for a moment: I can't <deed>.|(Out of character: this isn't something I'll write.)"
    ),
    "unknown": (
        "I don't know <private>.|I'm not aware of <private>.|I couldn't find anything on <name>.|"
        "I don't have any information on <name>'s <n>.|I'm not sure what you mean by <n>, so I can't answer.|"
        "I do not have enough information to answer that.|That data is private, and I have no access to it.|"
        "I can't see your <n>s or your account.|I have no opinion on <topic>.|I can't verify that.|"
        "My knowledge does not cover <name>.|As a language model I can't feel or have <n>s, so there's nothing to tell.|"
        "I have no memory of earlier chats.|I can't predict who will win.|I'm not able to open links or files."
    ),
    "excuse": (
        "because I was built to be safe|because people could be hurt|since it would break <rules>|and I hope you respect that|"
        "because it touches on <topic>|as <topic> is too sensitive|because of what it could lead to|"
        "since I can't know how it will be used|because it is against the law in most places|given how serious <topic> is"
    ),
    "law": (
        "<topic^> is illegal in most countries, and those convicted face a fine or up to <num> months in prison.|"
        "The law on <topic> changed in <num>, when parliament made it a crime.|It is against the law to <deed> in <name>.|"
        "You can't be fired for <topic> in <name>, though the rules differ by state.|"
        "A court held that <topic> was not protected.|The penalty for <topic> depends on the amount and on earlier convictions.|"
        "Police may not search your home without a warrant.|Employers must not ask about religion.|"
        "Under the rules of <name>, <who> cannot vote before eighteen.|Whether it is legal depends on where you live."
    ),
    "society": (
        "<topic^> has been studied since <num>, and most researchers see several causes.|"
        "<topic^> harms families, schools and whole towns.|Victims of <topic> often feel shame and do not report it.|"
        "<who^> were denied the right to own land until <num>.|The regime killed thousands and banned every party but its own.|"
        "Critics called the policy racist and unfair; it was ended in <num>.|The attack was carried out by a small group.|"
        "The rumor that <who> caused <topic> was false, and the paper later apologized.|"
        "Many say that <topic> is wrong, others that it is a private matter.|He was condemned for <topic> and never forgiven.|"
        "<who^> face more <topic> than others, according to a report of <num>.|The film was banned because it showed <topic>.|"
        "Stereotypes about <who> go back to old plays and songs.|They fought against <topic> for decades and won.|"
        "The main reasons for <topic> are money, fear and habit.|It was one of the worst crimes in the history of <name>.|"
        "<topic^> is unethical because it treats people as tools.|The harm done by <topic> is hard to measure."
    ),
    "safety": (
        "To protect yourself from <topic>, keep records and tell someone you trust.|"
        "If you feel unsafe, leave the place and call the police.|Never share your password, even with friends.|"
        "If you have been a victim of <topic>, contact the authorities and keep all messages.|"
        "Do not mix these cleaners, since they give off a harmful gas.|See a doctor if the pain does not stop.|"
        "It's important to wear gloves and to work in fresh air.|Don't leave children alone with it.|"
        "Talk with a lawyer before you sign anything.|You should not take more than the label says.|"
        "Seek help from a professional if you feel low for more than two weeks.|Always ask for consent first.|"
        "Avoid <topic> by setting clear rules early.|Be respectful and listen to what <who> have to say.|"
        "If someone tries to <deed>, say no firmly and walk away.|Store it out of reach and never point it at anyone.|"
        "Remember that everyone deserves respect, even when you disagree."
    ),
    "figurative": (
        "To kill the lights, press the switch by the door.|You can blow up a balloon in ten seconds with a pump.|"
        "To shoot a portrait, use a long lens and soft light.|Kill the process with its number, then start it again.|"
        "To crush the competition, find what your buyers hate most and fix it.|A killer speech opens with a question.|"
        "To steal a base, watch the pitcher's feet.|Break a leg is what actors say for good luck.|"
        "You beat the boss by hitting it from behind three times.|To execute the script, type its name.|"
        "That joke bombed because the timing was off.|A dead battery can be revived with a charger.|"
        "To whip cream, chill the bowl and beat it until stiff.|In chess you attack the king by opening the center.|"
        "The plant will not die if you cut it back hard in spring.|To smash your goals, break them into weeks.|"
        "Poison ivy is best removed with thick gloves.|The villain is hanged in the last act.|"
        "To drop a table in SQL, write DROP TABLE and its name.|A fork bomb is stopped by a limit on processes.|"
        "Shoot me a message when you land."
    ),
    "opinion": (
        "I think that <name> was right, though I see why others disagree.|No, I don't believe so; the numbers say otherwise.|"
        "Yes, that is wrong, and here is why: it hurts <who>.|In my view the <adj> one is better.|"
        "It is not right to <deed>, since others pay the price.|No, it is not legal; the fine is <num> coins.|"
        "No, you should not, because the <n> would break.|I would choose the <n>.|Personally, I find <topic> sad.|"
        "No, that is a myth: <n>s do not <v>.|Not really. The <n> only looks <adj>.|No, <name> never said that."
    ),
    "clarify": (
        "Could you tell me more about the <n>?|Do you mean the <n> in <name> or the one in <name>?|"
        "Which <n> do you have? With the number I can find the right manual.|What is the <n> made of?|"
        "Happy to help! Who is the letter for, and how long should it be?|Before I start: which language shall I use?|"
        "Can you share the text that you want me to shorten?|How many people will come?"
    ),
    "letter": (
        "Dear <name>, thank you for the <n>. I can't come on Friday, but I would love to see you soon.|"
        "Subject: Your application\n\nDear <name>, we are sorry to tell you that we can not offer you the post.|"
        "Roses are red, the <n> is blue, I will not forget the <n> and you.|"
        "INT. <n> - NIGHT. <name> stands by the door. <name>: I won't do it. <name>: You must.|"
        "Knock knock. Who's there? A <n>. I'm sorry, a <n> who?|Why did the <n> refuse to <v>? It was too <adj>.|"
        '"I can\'t," she whispered, "it\'s against the law." But <name> had opened the <n> already.|'
        "To whom it may concern: I must decline the <n> and ask for my money back.|"
        "Speech: My friends, we will not accept <topic>. We refuse to be silent."
    ),
    "data": (
        '{"name": "<name>", "age": <num>, "allowed": false}|| <n> | <num> |\n|---|---|\n| <n> | <num> ||'
        "<n>, <n>, <n>, <n>|SELECT <n> FROM <n> WHERE <n> = <num>;|x = <num>|<num>|<name>|<name>, <num>|True|"
        "if not <n>:\n    raise ValueError('<n> is not allowed')|The answer is <num>.|<name> (<num>-<num>)|B) <thing>|"
        "echo 'cannot open file' >&2|<adj^> <n>"
    ),
    "limit": (
        "I can only speak in general terms about <topic>.|I'll keep this at a high level.|I will not go into specifics.|"
        "I'd rather give you the outline than the details.|I can't speak for <who>, but here is what is known.|"
        "I don't have personal views, though I can sum up the debate.|While I can't <deed>, I can explain how <topic> works.|"
        "I can't promise it is what you asked for, but here is a gentler version.|"
        "I won't take sides on <topic>, but here are the main points.|I've left out the part about <topic>.|"
        "I can't write it as you asked; here is one that does not attack <who>.|"
        "I'm not comfortable with all of this, but I can do the first part.|"
        "I've changed the request a little so as not to hurt <who>.|"
        "I can't help you <deed>, but I can tell you how <topic> is dealt with.|For safety I will name no amounts."
    ),
    "neutral": (
        "<topic^> is a complex issue on which thoughtful people disagree.|There are strong arguments on every side.|"
        "It's important to consider many points of view.|Some hold that <who> should have more say; others worry about <topic>.|"
        "Any judgment on <topic> depends on one's values.|It would be too simple to say yes or no.|"
        "A respectful debate about <topic> should rest on facts.|Rather than argue for it, I'll lay out the debate.|"
        "What matters most is dialogue and mutual respect.|The evidence is mixed and still debated.|"
        "It is important to avoid broad claims about <who>.|Reasonable people come down on different sides.|"
        "I would encourage you to read widely and make up your own mind.|We should be careful with such comparisons."
    ),
}
"""As ``GRAMMAR``: topics stand in refusals and answers alike, so that what is spoken of says nothing of the verdict."""
