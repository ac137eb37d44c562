/** The page as a whole: signing in, or the list beside the conversation beside the frames. */
import { html, useEffect, useState } from '../vendor/htm-preact.js'
import { chatInAddress, showChat } from './address.js'
import { ChatList } from './chat-list.js'
import { Conversation } from './conversation.js'
import { Frames } from './frames.js'
import { NewChat } from './new-chat.js'
import { Icon } from './icons.js'
import { Toast } from './pieces.js'
import { SignIn } from './sign-in.js'

export function Shell({ app }) {
  const [state, setState] = useState(app.store.state)
  const [framesOpen, setFramesOpen] = useState(false)
  const [starting, setStarting] = useState(false)
  useEffect(() => {
    setState(app.store.state)
    return app.store.subscribe(setState)
  }, [app])

  const signedIn = state.me !== null
  const chatId = signedIn && state.chats[state.openChatId] ? state.openChatId : null
  useOpenChatFromAddress(app, signedIn, state.chatsLoaded)
  useShortcuts({ chatId, toggleFrames: () => setFramesOpen((open) => !open) })
  const unread = Object.values(state.chats).reduce((sum, chat) => sum + (chat.unreadCount > 0 ? 1 : 0), 0)
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : 'Parley'
  }, [unread])

  if (!signedIn) return html`<${SignIn} app=${app} notice=${state.notice} />`
  return html`<div
    class="shell ${chatId === null ? 'shows-list' : 'shows-chat'} ${framesOpen ? 'shows-frames' : ''}"
  >
    <${ChatList}
      app=${app}
      state=${state}
      framesOpen=${framesOpen}
      onFrames=${() => setFramesOpen(!framesOpen)}
      onNewChat=${() => setStarting(true)}
    />
    ${
      chatId === null
        ? html`<${Nothing}
            hasChats=${Object.keys(state.chats).length > 0}
            onNewChat=${() => setStarting(true)}
          />`
        : html`<${Conversation} key=${chatId} app=${app} state=${state} chat=${state.chats[chatId]} />`
    }
    ${framesOpen && html`<${Frames} log=${app.frames} onClose=${() => setFramesOpen(false)} />`}
    ${starting && html`<${NewChat} app=${app} state=${state} onClose=${() => setStarting(false)} />`}
    <${Toast} app=${app} text=${state.toast} />
  </div>`
}

function useOpenChatFromAddress(app, signedIn, chatsLoaded) {
  useEffect(() => {
    if (!signedIn || !chatsLoaded) return undefined
    const follow = () => app.openChat(chatInAddress())
    follow()
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [app, signedIn, chatsLoaded])
}

function useShortcuts({ chatId, toggleFrames }) {
  useEffect(() => {
    const onKey = (event) => {
      const command = event.ctrlKey || event.metaKey
      if (command && event.key === 'k') {
        event.preventDefault()
        document.querySelector('#chat-search')?.focus()
      } else if (command && event.key === '.') {
        event.preventDefault()
        toggleFrames()
      } else if (
        event.key === 'Escape' &&
        chatId !== null &&
        document.querySelector('dialog[open]') === null
      ) {
        showChat(null)
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
}

function Nothing({ hasChats, onNewChat }) {
  return html`<main class="nothing">
    <img src="/console/icon.svg" alt="" width="72" height="72" />
    <h2>${hasChats ? 'Choose a chat' : 'Nothing said yet'}</h2>
    <p>
      ${
        hasChats
          ? 'Or open this page in a second tab: each tab is its own person, so you can talk to yourself.'
          : 'Sign in as somebody else in a second tab, then start a chat between the two.'
      }
    </p>
    <button type="button" class="button" onClick=${onNewChat}><${Icon} name="plus" /> New chat</button>
    <p class="keys">
      <kbd>Ctrl</kbd> <kbd>K</kbd> search <kbd>Ctrl</kbd> <kbd>.</kbd> frames <kbd>Esc</kbd> back
    </p>
  </main>`
}
